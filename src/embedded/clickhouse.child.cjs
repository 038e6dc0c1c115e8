// The engine of ClickHouse, from npm's `chdb`, as an ordinary HTTP server. Runs in a process of its own because the call
// below blocks it for as long as the server serves: until standard input closes. Anything that is written there before is
// skipped. Exits with 0 after a clean stop and with 1, and the engine's reason on standard error, when it refuses to start.
// usage: node clickhouse.child.cjs <data folder> <http port> [<more configuration, in XML>]
// With a <tcp_port> in that it listens there too, as other servers of a cluster expect.
const { mkdirSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { libchdbPath } = require('chdb/libchdb');
const { DataType, isNullPointer, load, open } = require('ffi-rs');

const [path, port, more = ''] = process.argv.slice(2);
const config = join(path, 'server.xml');
const text = (value) => value.replace(/[&<]/g, (character) => `&#${character.charCodeAt(0)};`);

mkdirSync(path, { recursive: true });
// In a file, because the engine's command line takes settings of queries only. Half of the machine's memory, not the default
// nine tenths: this server shares it with the service, Redis and whatever else a developer runs. No system log tables exist
// and nothing is logged unless a file says so: neither the folder nor the terminal fills up.
writeFileSync(
  config,
  `<clickhouse>
  <path>${text(path)}</path>
  <listen_host>127.0.0.1</listen_host>
  <http_port>${text(port)}</http_port>
  <max_server_memory_usage_to_ram_ratio>0.5</max_server_memory_usage_to_ram_ratio>
  ${more}
</clickhouse>
`,
);
const args = [
  'clickhouse',
  '--config-file',
  config,
  // Reading the table is reading standard input: it is what keeps the process alive.
  '--structure',
  'x String',
  '--input-format',
  'LineAsString',
  '--query',
  `SYSTEM START LISTEN HTTP; ${more.includes('<tcp_port>') ? 'SYSTEM START LISTEN TCP; ' : ''}SELECT count() FROM table`,
];

function call(funcName, retType, paramsType, paramsValue) {
  return load({ library: 'chdb', funcName, retType, paramsType, paramsValue });
}

open({ library: 'chdb', path: libchdbPath() });
const result = call('chdb_query_cmdline', DataType.External, [DataType.I32, DataType.StringArray], [args.length, args]);
if (!isNullPointer(call('chdb_result_error', DataType.External, [DataType.External], [result]))) {
  console.error(call('chdb_result_error', DataType.String, [DataType.External], [result]));
  process.exit(1);
}
process.exit(0);
