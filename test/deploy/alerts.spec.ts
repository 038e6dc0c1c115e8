import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { load } from 'js-yaml';

const DOCKER = join(__dirname, '../../docker');
const RULES = join(DOCKER, 'prometheus/alerts.yml');
const hasPromtool = spawnSync('promtool', ['--version']).error === undefined;

/** Values at minutes 0, 1, … of series of `segops_queue_up` and others, as promtool writes them. */
type Series = Readonly<Record<string, string>>;

const staging = 'namespace="staging",job="segops",instance="a:9464"';
const production = 'namespace="production",job="segops",instance="b:9464"';
const answers = (deployment: string, status: string) =>
  `segops_http_request_duration_seconds_count{${deployment},route="/api/x",status="${status}"}`;

describe('Alerts of several deployments that one Prometheus sees', () => {
  const { groups } = load(readFileSync(RULES, 'utf8')) as {
    groups: { rules: { alert: string; expr: string }[] }[];
  };

  it.each(groups.flatMap(({ rules }) => rules.map(({ alert, expr }) => [alert, expr] as const)))(
    'should judge each by itself in %s',
    (_, expr) => {
      const aggregations =
        expr.match(/\b(?:sum|min|max|avg|count|group|topk|quantile)\b(?=\s*(?:by|without|\()).*/g) ?? [];
      expect(aggregations.length).toBeGreaterThan(0);
      for (const aggregation of aggregations) {
        expect(aggregation).toMatch(/^\w+ by \(cluster, namespace, job(?:, (?:le|instance|limiter))?\) \(/);
      }
    },
  );

  it('should be told apart by the dashboard', () => {
    const { panels, templating } = JSON.parse(readFileSync(join(DOCKER, 'grafana/segops-dashboard.json'), 'utf8')) as {
      panels: { targets?: { expr: string }[] }[];
      templating: { list: { name: string }[] };
    };
    expect(templating.list.map(({ name }) => name)).toEqual(['datasource', 'namespace', 'job']);
    const metrics = panels
      .flatMap(({ targets = [] }) => targets)
      .flatMap(({ expr }) => expr.match(/\b(?:segops|process|nodejs)_\w+.{0,40}/g) ?? []);
    expect(metrics.length).toBeGreaterThan(30);
    for (const metric of metrics) expect(metric).toMatch(/^\w+\{namespace=~"\$namespace",job=~"\$job"/);
  });

  (hasPromtool ? describe : describe.skip)('in promtool (skipped where it is not installed)', () => {
    /** Expects exactly these alerts to fire after so many minutes, each as `alert of namespace`. */
    const expectAfter = (minutes: number, series: Series, alerts: readonly string[]): void => {
      const folder = mkdtempSync(join(tmpdir(), 'segops-alerts-'));
      const file = join(folder, 'test.yml');
      const samples = alerts.map((alert) => {
        const [alertname, namespace] = alert.split(' of ');
        return { labels: `{alertname="${alertname}"${namespace ? `,namespace="${namespace}"` : ''}}`, value: 1 };
      });
      const test = {
        interval: '1m',
        input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
        promql_expr_test: [
          {
            expr: 'group by (alertname, namespace) (ALERTS{alertstate="firing"})',
            eval_time: `${minutes}m`,
            exp_samples: samples,
          },
        ],
      };
      // JSON is YAML.
      writeFileSync(file, JSON.stringify({ rule_files: [RULES], evaluation_interval: '1m', tests: [test] }));
      try {
        execFileSync('promtool', ['test', 'rules', file], { encoding: 'utf8', stdio: 'pipe' });
      } finally {
        rmSync(folder, { recursive: true });
      }
    };

    it('should not hide one that is ill behind one that is well', () => {
      expectAfter(
        30,
        {
          [`segops_queue_up{${staging}}`]: '1x60',
          [`segops_queue_up{${production}}`]: '0x60',
          [`segops_queue_workers{${staging}}`]: '2x60',
          [`segops_queue_workers{${production}}`]: '0x60',
          [answers(staging, '2xx')]: '0+100000x60',
          [answers(production, '2xx')]: '0+60x60',
          [answers(production, '5xx')]: '0+60x60',
        },
        ['SegopsQueueAway of production', 'SegopsNoWorker of production', 'SegopsServerErrors of production'],
      );
    });

    it('should be silent while one instance of a deployment does not reach the queue', () => {
      const other = production.replace('b:', 'c:');
      expectAfter(30, { [`segops_queue_up{${production}}`]: '1x60', [`segops_queue_up{${other}}`]: '0x60' }, []);
    });

    it('should tell that one is not scraped any more while another one is', () => {
      const series = { [`segops_queue_up{${staging}}`]: '1x60', [`segops_queue_up{${production}}`]: '1x10 stale' };
      expectAfter(10, series, []);
      expectAfter(30, series, ['SegopsNothingScraped of production']);
    });

    it('should tell that nothing is scraped', () => {
      expectAfter(30, {}, ['SegopsNothingScraped']);
    });
  });
});
