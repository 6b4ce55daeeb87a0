import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectEngineApi } from '../../../lib/sinks/engine-api.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const json =
  (value: unknown, status = 200): Handler =>
  (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
  };

const DOCKER: Record<string, Handler> = {
  'GET /_ping': (_, response) => response.writeHead(200, { 'api-version': '1.41' }).end('OK'),
  'GET /v1.41/version': json({ Os: 'linux', Arch: 'arm64' }),
  'GET /v1.41/info': json({ DriverStatus: [['Backing Filesystem', 'extfs']] }),
};

async function* archive(chunks = 3): AsyncGenerator<Uint8Array, void, undefined> {
  for (let i = 0; i < chunks; i++) yield Buffer.alloc(65_536, i);
}

describe('connectEngineApi()', () => {
  let folder: string;
  let socket: string;
  let server: Server;
  let handlers: Record<string, Handler>;
  let requests: string[];
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ocidsl-test-api-'));
    socket = join(folder, 'engine.sock');
    handlers = { ...DOCKER };
    requests = [];
    server = createServer((request, response) => {
      requests.push(`${request.method} ${request.url}`);
      const path = request.url!.split('?', 1)[0]!;
      const handler = handlers[`${request.method} ${path}`] ?? json({ message: 'page not found' }, 404);
      handler(request, response);
    });
    await new Promise<void>((resolve) => server.listen(socket, resolve));
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const connect = () =>
    connectEngineApi({
      address: { type: 'socket', path: socket },
      display: 'unix:///engine.sock',
      command: (name) => ({ argv: [name], environment: {} }),
    });

  it("speaks the engine's version of the API, and takes its platform", async () => {
    const engine = await connect();
    expect(engine).toMatchObject({
      name: 'docker',
      description: 'docker at unix:///engine.sock',
      info: { platform: { os: 'linux', architecture: 'arm64' }, store: 'layers' },
      command: { argv: ['docker'] },
    });
    await engine.close();
  });

  it('speaks no newer version than it knows', async () => {
    handlers['GET /_ping'] = (_, response) => response.writeHead(200, { 'api-version': '1.99' }).end('OK');
    await expect(connect()).rejects.toThrow('HTTP 404');
    expect(requests[1]).toBe('GET /v1.51/version');
  });

  it("tells Docker's containerd store from its classic one", async () => {
    handlers['GET /v1.41/info'] = json({ Driver: 'overlayfs', DriverStatus: [['driver-type', 'io.containerd.snapshotter.v1']] });
    const engine = await connect();
    expect(engine.info.store).toBe('content');
    await engine.close();
  });

  it('does not take a version that is no version into a path', async () => {
    handlers['GET /_ping'] = (_, response) => response.writeHead(200, { 'api-version': '1.41/../../x' }).end('OK');
    await expect(connect()).rejects.toThrow('HTTP 404');
    expect(requests[1]).toBe('GET /v1.24/version');
  });

  it('listens on TCP as well', async () => {
    const tcp = createServer((request, response) => (handlers[`${request.method} ${request.url}`] ?? json({}, 404))(request, response));
    await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve));
    const { port } = tcp.address() as AddressInfo;
    const engine = await connectEngineApi({ address: { type: 'tcp', host: '127.0.0.1', port }, display: 'tcp', command: () => undefined });
    expect(engine.name).toBe('docker');
    await engine.close();
    tcp.close();
  });

  describe('load()', () => {
    const LOAD = 'POST /v1.41/images/load';
    const drained =
      (answer: (response: ServerResponse) => void): Handler =>
      (request, response) => {
        request.resume().on('end', () => answer(response));
      };

    it('sends the archive as a tar stream', async () => {
      let length = 0;
      let type: string | undefined;
      handlers[LOAD] = (request, response) => {
        type = request.headers['content-type'];
        request.on('data', (chunk: Buffer) => (length += chunk.length)).on('end', () => response.end('{"stream":"Loaded image: x\\n"}\n'));
      };
      const engine = await connect();
      await engine.load(archive());
      expect({ length, type }).toEqual({ length: 3 * 65_536, type: 'application/x-tar' });
      expect(requests.at(-1)).toBe('POST /v1.41/images/load?quiet=1');
      await engine.close();
    });

    it.each([
      [
        'an error in a line of a 200',
        200,
        '{"stream":"Loading"}\n{"errorDetail":{"message":"no space left on device"},"error":"no space"}\n',
        'no space left on device',
      ],
      [
        'an error without detail, and without line end',
        200,
        '{"error":"archive/tar: invalid tar header"}',
        'archive/tar: invalid tar header',
      ],
      [
        "podman's 500",
        500,
        '{"cause":"payload does not match","message":"failed to load image: payload does not match","response":500}',
        'HTTP 500: failed to load image',
      ],
      ['a 500 of some proxy', 500, '<html>busy\u001b[31m</html>', 'HTTP 500: <html>busy\\u{1b}[31m</html>'],
    ])('fails on %s', async (_, status, body, message) => {
      handlers[LOAD] = drained((response) => response.writeHead(status).end(body));
      const engine = await connect();
      await expect(engine.load(archive())).rejects.toMatchObject({
        code: 'OCIDSL_ENGINE_FAILED',
        kind: 'environment',
        message: expect.stringContaining(message),
      });
      await engine.close();
    });

    it('takes an answer that comes before the end of the archive', async () => {
      handlers[LOAD] = (_, response) => response.writeHead(500, { connection: 'close' }).end('{"message":"no space left on device"}');
      const engine = await connect();
      await expect(engine.load(archive(2_000))).rejects.toMatchObject({
        code: 'OCIDSL_ENGINE_FAILED',
        hint: "Free space on the engine's disk, for example with docker system prune",
      });
      await engine.close();
    });

    it.each([
      ['in the middle of the archive', (request: IncomingMessage) => request.once('data', () => request.socket.destroy())],
      ['instead of an answer', (request: IncomingMessage) => request.resume().on('end', () => request.socket.destroy())],
    ])('fails when the engine closes the connection %s', async (_, act) => {
      handlers[LOAD] = (request) => void act(request);
      const engine = await connect();
      await expect(engine.load(archive(100))).rejects.toMatchObject({ code: 'OCIDSL_ENGINE_FAILED' });
      await engine.close();
    });

    it('fails when the engine closes the connection within an answer', async () => {
      handlers[LOAD] = drained((response) => {
        response.write('{"stream":"Load');
        setTimeout(() => response.socket?.destroy(), 50);
      });
      const engine = await connect();
      await expect(engine.load(archive())).rejects.toMatchObject({ code: 'OCIDSL_ENGINE_FAILED' });
      await engine.close();
    });

    it("passes on the archive's own failure, and the engine sees no end of it", async () => {
      let sawEnd = false;
      const closed = new Promise<void>((resolve) => {
        handlers[LOAD] = (request) =>
          void request
            .resume()
            .on('end', () => (sawEnd = true))
            .on('close', resolve);
      });
      const failing = async function* () {
        yield* archive();
        throw new Error('the layer is corrupt');
      };
      const engine = await connect();
      await expect(engine.load(failing())).rejects.toThrow('the layer is corrupt');
      await closed;
      expect(sawEnd).toBe(false);
      await engine.close();
    });

    it('is interrupted with the reason of the signal', async () => {
      const controller = new AbortController();
      handlers[LOAD] = () => controller.abort(new Error('interrupted'));
      const engine = await connect();
      await expect(engine.load(archive(), controller.signal)).rejects.toThrow('interrupted');
      await engine.close();
    });
  });

  it('tells a missing image from a failure', async () => {
    handlers['GET /v1.41/images/broken/json'] = json({ message: 'layer does not exist' }, 500);
    const engine = await connect();
    expect(await engine.inspect('nothing')).toBeUndefined();
    await expect(engine.inspect('broken')).rejects.toThrow('layer does not exist');
    await engine.close();
  });

  it('tags by repository and tag, also of a registry with a port', async () => {
    handlers['POST /v1.41/images/sha256%3Aabc/tag'] = (_, response) => response.writeHead(201).end();
    const engine = await connect();
    await engine.tag('sha256:abc', 'localhost:5000/acme/hello:1');
    expect(requests.at(-1)).toBe('POST /v1.41/images/sha256%3Aabc/tag?repo=localhost%3A5000%2Facme%2Fhello&tag=1');
    await engine.close();
  });
});
