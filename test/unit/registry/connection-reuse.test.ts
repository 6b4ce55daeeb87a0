// Connections are kept: a new one costs two round trips where TLS is spoken, and a push asks for every blob before it sends it.
import { describe, expect, it } from 'vitest';
import { blobOf, rawServer, testClient } from './rig.ts';

const STATUS: Readonly<Record<string, number>> = { HEAD: 404, POST: 202, PUT: 201 };

describe('connections', () => {
  it('one serves any number of requests that follow each other', async () => {
    const sockets = new Set<unknown>();
    await using server = await rawServer((request, response) => {
      sockets.add(request.socket);
      request.resume().on('end', () => {
        response.writeHead(STATUS[request.method ?? ''] ?? 405, { location: '/v2/a/blobs/uploads/1', 'content-length': '0' });
        response.end();
      });
    });
    await using client = testClient();
    const repository = client.repository({ registry: server.host, repository: 'a' });
    for (let i = 0; i < 5; i++) {
      const blob = blobOf(Buffer.from(`blob ${i}`));
      expect(await repository.hasBlob(blob)).toBe(false);
      expect(await repository.putBlob(blob)).toBe('uploaded');
    }
    expect(server.requests).toHaveLength(15);
    expect(sockets.size).toBe(1);
  });

  it('none is used again whose server sent a body with the answer to HEAD', async () => {
    const sockets = new Set<unknown>();
    await using server = await rawServer((request, response) => {
      sockets.add(request.socket);
      response.writeHead(404, { 'content-length': '4' });
      response.flushHeaders();
      // Past Node, which would leave it out.
      request.socket.write('oops');
    });
    await using client = testClient();
    const repository = client.repository({ registry: server.host, repository: 'a' });
    for (let i = 0; i < 3; i++) expect(await repository.hasBlob(blobOf(Buffer.from(`blob ${i}`)))).toBe(false);
    expect(sockets.size).toBe(3);
  });
});
