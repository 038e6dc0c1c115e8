// Required by a process of the service before anything else: SIGUSR2 begins a CPU profile, the next one writes it to
// BENCH_PROFILE_FOLDER and ends it.
const { Session } = require('node:inspector');
const { renameSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

const folder = process.env.BENCH_PROFILE_FOLDER;
let session;

process.on('SIGUSR2', () => {
  if (session === undefined) {
    session = new Session();
    session.connect();
    session.post('Profiler.enable');
    session.post('Profiler.setSamplingInterval', { interval: 500 });
    session.post('Profiler.start');
    return;
  }
  session.post('Profiler.stop', (error, result) => {
    const file = join(folder, `${process.env.ROLE}.cpuprofile`);
    writeFileSync(`${file}.part`, JSON.stringify(result.profile));
    renameSync(`${file}.part`, file);
    session.disconnect();
    session = undefined;
  });
});
