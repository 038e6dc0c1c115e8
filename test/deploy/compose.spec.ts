import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { load } from 'js-yaml';
import { acceptedValueOf, loadConfiguration } from '../../src/config/load-configuration.js';
import { Configuration } from '../../src/config/configuration.js';
import { settingsOf } from '../../src/config/setting.decorators.js';
import { composeErrors } from './compose.errors.js';
import { type ComposeService, readComposeFile } from './compose.file.js';
import { KNOWN_VARIABLES } from './known.variables.js';

const DOCKER = join(__dirname, '../../docker');

describe('The compose file', () => {
  const file = readComposeFile();
  const services = Object.entries(file.services);
  const own = services.filter(([, { build }]) => build !== undefined);
  const dependenciesOf = ({ depends_on = [] }: ComposeService): string[] =>
    Array.isArray(depends_on) ? (depends_on as string[]) : Object.keys(depends_on);
  /** As `docker compose` fills them in, where nothing is exported but what it insists on. */
  const environmentOf = ({ environment = {} }: ComposeService): Record<string, string> =>
    Object.fromEntries(
      Object.entries(environment).map(([name, value]) => {
        const example = settingsOf(Configuration).find(({ env }) => env === name);
        return [
          name,
          value.replace(/\$\{\w+:-(.*)\}/, '$1').replace(/\$\{\w+:\?.*\}/, example ? acceptedValueOf(example) : ''),
        ];
      }),
    );

  it('should be what the Compose specification allows', () => {
    expect(composeErrors(file)).toEqual([]);
  });

  it('should be refused with a field that does not exist', () => {
    const misspelt = { ...file, services: { ...file.services, redis: { ...file.services['redis'], helthcheck: {} } } };
    expect(composeErrors(misspelt)).toEqual([expect.stringContaining('helthcheck')]);
  });

  it('should give the service settings that it knows, and starts with', () => {
    expect(own.map(([name]) => name)).toEqual(['api', 'worker', 'pubsub-create']);
    for (const [name, service] of own) {
      const environment = environmentOf(service);
      expect(Object.keys(environment).filter((variable) => !KNOWN_VARIABLES.has(variable))).toEqual([]);
      const { role } = loadConfiguration(environment);
      if (name !== 'pubsub-create') expect(role).toBe(name);
    }
  });

  it('should wait longer for the end of the service than the service does', () => {
    for (const [, service] of own) {
      const { shutdownTimeoutMs } = loadConfiguration(environmentOf(service));
      expect(Number(service.stop_grace_period?.replace('s', '')) * 1000).toBeGreaterThan(shutdownTimeoutMs);
    }
  });

  it('should give the service no right that it does not need, and the spool a volume', () => {
    for (const [, service] of own) {
      expect(service).toMatchObject({
        read_only: true,
        tmpfs: ['/tmp'],
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
      });
    }
    expect(file.services['api']?.volumes).toEqual(['api:/data']);
  });

  it('should name releases of images', () => {
    for (const [, { image = '', build }] of services) {
      if (build === undefined) expect(image).toMatch(/:v?\d/);
    }
  });

  it('should mount volumes and files that there are', () => {
    const sources = services.flatMap(([, { volumes = [] }]) => volumes.map((volume) => volume.split(':')[0] ?? ''));
    const paths = sources.filter((source) => source.startsWith('.'));
    expect(paths.length).toBeGreaterThan(2);
    expect(paths.filter((path) => !existsSync(resolve(DOCKER, path)))).toEqual([]);
    const named = sources.filter((source) => !source.startsWith('.'));
    expect(named.sort()).toEqual(Object.keys(file.volumes).sort());
  });

  it('should depend on services that start with it, healthy where that is waited for', () => {
    for (const [name, service] of services) {
      for (const dependency of dependenciesOf(service)) {
        const needed = file.services[dependency];
        expect([name, dependency, needed !== undefined]).toEqual([name, dependency, true]);
        // Without a profile it always starts; with one only together with others of the same.
        expect(needed?.profiles ?? service.profiles).toEqual(service.profiles);
        if (!Array.isArray(service.depends_on)) expect(needed?.healthcheck).toBeDefined();
      }
    }
    expect(new Set(services.flatMap(([, { profiles = [] }]) => profiles))).toEqual(new Set(['pubsub', 'monitoring']));
  });

  it('should lead the service to the servers that are in it', () => {
    const { environment = {} } = file.services['api'] ?? {};
    const hosts = ['REDIS_URL', 'CLICKHOUSE_URL', 'DATABASE_URL'].map(
      (name) => new URL(environment[name] ?? '').hostname,
    );
    expect(hosts).toEqual(['redis', 'clickhouse', 'postgres']);
    const [host, port] = environment['PUBSUB_EMULATOR_HOST']?.split(':') ?? [];
    const { command = '' } = file.services[host ?? ''] ?? {};
    expect(command).toContain(`--host-port=0.0.0.0:${String(port)} --project=${String(environment['PUBSUB_PROJECT'])}`);
  });

  it('should have a Redis that keeps what it is given', () => {
    expect(file.services['redis']?.command).toContain(
      '--appendonly yes --appendfsync always --maxmemory-policy noeviction',
    );
  });

  describe('with the profile monitoring', () => {
    const read = (path: string): unknown => load(readFileSync(join(DOCKER, path), 'utf8'));
    const mountsOf = (service: string) =>
      (file.services[service]?.volumes ?? []).map((volume) => volume.split(':') as [string, string]);

    it('should have Prometheus scrape every container of the service, and load the alerts', () => {
      const { rule_files, scrape_configs } = read('prometheus/prometheus.yml') as {
        rule_files: string[];
        scrape_configs: { dns_sd_configs: { names: string[]; type: string; port: number }[] }[];
      };
      expect(rule_files.map((path) => existsSync(join(DOCKER, 'prometheus', path)))).toEqual([true]);
      const { METRICS_PORT } = environmentOf(file.services['api']!);
      expect(scrape_configs.flatMap(({ dns_sd_configs }) => dns_sd_configs)).toEqual([
        expect.objectContaining({ names: ['api', 'worker'], type: 'A', port: Number(METRICS_PORT) }),
      ]);
      // Where its own default command looks for prometheus.yml.
      expect(mountsOf('prometheus')[0]).toEqual(['./prometheus', '/etc/prometheus', 'ro']);
    });

    it('should have Grafana show the dashboard, from that Prometheus', () => {
      const { datasources } = read('grafana/provisioning/datasources/prometheus.yaml') as {
        datasources: { type: string; url: string; isDefault: boolean }[];
      };
      expect(datasources.map(({ type, url, isDefault }) => [type, new URL(url).hostname, isDefault])).toEqual([
        ['prometheus', 'prometheus', true],
      ]);
      const { providers } = read('grafana/provisioning/dashboards/segops.yaml') as {
        providers: { type: string; options: { path: string } }[];
      };
      const mounts = mountsOf('grafana');
      for (const { type, options } of providers) {
        expect(type).toBe('file');
        const [source] = mounts.find(([, target]) => target.startsWith(`${options.path}/`)) ?? [];
        expect(source).toBe('./grafana/segops-dashboard.json');
      }
      expect(mounts[0]).toEqual(['./grafana/provisioning', '/etc/grafana/provisioning', 'ro']);
      expect(readdirSync(join(DOCKER, 'grafana/provisioning')).sort()).toEqual(['dashboards', 'datasources']);
    });

    it('should keep Grafana and Prometheus to this machine', () => {
      expect(file.services['prometheus']?.ports).toBeUndefined();
      expect(file.services['grafana']?.ports).toEqual(['127.0.0.1:3000:3000']);
    });
  });
});
