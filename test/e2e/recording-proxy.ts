// A proxy in front of a registry that notes every request, in order: what a client really did.
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The proxy. Clients use `host` as the registry's. */
export interface RecordingProxy {
  readonly host: string;
  /** `METHOD /path?query`, in the order in which they came. */
  readonly requests: string[];
  close(): Promise<void>;
}

/** Starts a proxy for the registry at `host:port`. */
export async function recordRequests(registry: string): Promise<RecordingProxy> {
  const [hostname, port] = registry.split(':');
  const requests: string[] = [];
  const server = createServer((incoming, outgoing) => {
    const { method = 'GET', url: path = '/', headers } = incoming;
    requests.push(`${method} ${path}`);
    // The Host header stays, so that the registry's Locations lead back here.
    const forwarded = request({ hostname, port, method, path, headers }, (response) => {
      outgoing.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(outgoing);
    });
    forwarded.on('error', () => outgoing.destroy());
    outgoing.on('close', () => forwarded.destroy());
    incoming.pipe(forwarded);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
