const SHAPE = /^(rediss?)\+cluster:\/\/([^@/]*@)?([^@/?#]+)\/?$/;

/**
 * The nodes that `redis+cluster://[user:password@]host:port,host:port` names, each as the URL of a Redis of its own. Any of a
 * cluster will do: they know the others. Undefined when `url` is not of that form.
 */
export function redisClusterNodes(url: string): readonly [string, ...string[]] | undefined {
  const [, scheme = '', credentials = '', hosts = ''] = SHAPE.exec(url) ?? [];
  const [first = '', ...others] = hosts.split(',').map((host) => `${scheme}://${credentials}${host.trim()}`);
  return [first, ...others].every(namesHost) ? [first, ...others] : undefined;
}

function namesHost(url: string): boolean {
  return URL.canParse(url) && new URL(url).hostname !== '';
}
