import { gzipSync } from 'node:zlib';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../lib/base/digest.ts';
import { failureOf } from '../registry/rig.ts';
import { filesBelow } from '../store/rig.ts';
import { cutAfter, digestText, downloadRig, etagOf, fileServer, sampleBytes } from './http-rig.ts';

const FILE = sampleBytes(300_000);
const DIGEST = digestText(FILE);
const LIMITS = { progressBytes: 1 };

describe('downloadFile()', () => {
  it('brings a file into the store, and asks nothing where it is there', async () => {
    const server = await fileServer(FILE);
    const rig = downloadRig();
    const digest = await rig.download({ urls: [server.url], digest: DIGEST });
    expect(digest).toEqual(digestOf(FILE));
    expect(digest).toEqual(digestOf(FILE));
    expect(await rig.has(FILE)).toBe(true);
    expect(server.headers[0]).toMatchObject({ 'accept-encoding': 'identity', accept: '*/*' });
    expect(server.headers[0]).not.toHaveProperty('authorization');
    expect(rig.events.map(({ type }) => type)).toEqual(['transfer-started', 'transfer-finished']);
    // By digest and size, and by the digest alone.
    expect(await rig.download({ urls: [server.url], digest: DIGEST, size: FILE.length })).toEqual(digest);
    expect(await rig.download({ urls: ['https://host.invalid/x'], digest: DIGEST })).toEqual(digest);
    expect(server.requests).toEqual(['GET -']);
    expect(filesBelow(join(rig.cache, 'v1/partial'))).toEqual([]);
  });

  it('takes an empty file, and one whose length nobody says', async () => {
    const empty = await fileServer(Buffer.alloc(0));
    const rig = downloadRig();
    expect(await rig.download({ urls: [empty.url] })).toEqual(digestOf(Buffer.alloc(0)));
    const chunked = await fileServer(FILE, (_, response) => {
      response.write(FILE.subarray(0, 1000));
      response.end(FILE.subarray(1000));
      return true;
    });
    expect(await rig.download({ urls: [chunked.url] })).toEqual(digestOf(FILE));
    expect(await downloadRig().download({ urls: [chunked.url], digest: DIGEST })).toEqual(digestOf(FILE));
  });

  it('does not decode what is sent: the digest is of the bytes', async () => {
    const zipped = gzipSync(FILE);
    const server = await fileServer(zipped, (_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': zipped.length }).end(zipped);
      return true;
    });
    const rig = downloadRig();
    expect(await rig.download({ urls: [server.url], digest: digestText(zipped) })).toEqual(digestOf(zipped));
  });

  it('refuses other bytes, another size and a file that is too large, and keeps nothing', async () => {
    const server = await fileServer(FILE);
    const rig = downloadRig();
    const other = digestText(Buffer.from('other'));
    const wrong = await failureOf(rig.download({ urls: [server.url], digest: other }));
    expect(wrong).toMatchObject({ code: 'OCIDSL_DOWNLOAD_MISMATCH', kind: 'integrity' });
    expect(wrong.message).toBe(`Cannot download "${server.url}": its 300000 bytes have the digest ${DIGEST}, expected ${other}`);
    const size = await failureOf(rig.download({ urls: [server.url], digest: DIGEST, size: 7 }));
    expect(size).toMatchObject({ code: 'OCIDSL_DOWNLOAD_MISMATCH', kind: 'integrity' });
    expect(size.message).toContain('it has 300000 bytes, expected 7 bytes');
    const large = await failureOf(rig.download({ urls: [server.url], limits: { maxBytes: 299_999 } }));
    expect(large).toMatchObject({ code: 'OCIDSL_DOWNLOAD_TOO_LARGE', kind: 'integrity' });
    // The first byte too many ends it, where no length was announced.
    server.interfere = (_, response) => {
      response.write(FILE);
      return true; // and never ends
    };
    expect(await failureOf(rig.download({ urls: [server.url], limits: { maxBytes: 1000 } }))).toMatchObject({
      code: 'OCIDSL_DOWNLOAD_TOO_LARGE',
    });
    expect(filesBelow(rig.cache)).toEqual([]);
  });

  it('says so where a server sends a page in place of the file', async () => {
    const server = await fileServer(FILE, (_, response) => {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-length': 4 }).end('<p/>');
      return true;
    });
    const failure = await failureOf(downloadRig().download({ urls: [server.url], digest: DIGEST }));
    expect(failure.hint).toContain('web page');
  });

  it('refuses URLs with secrets, of other schemes, and plain http without a digest, and does not repeat secrets', async () => {
    const rig = downloadRig();
    const userinfo = await failureOf(rig.download({ urls: ['https://me:hunter2@example.com/x'], digest: DIGEST }));
    expect(userinfo).toMatchObject({ code: 'OCIDSL_DOWNLOAD_URL', kind: 'config' });
    expect(userinfo.message).not.toContain('hunter2');
    for (const url of ['ftp://example.com/x', 'file:///etc/passwd', 'x', 'https://example.com/x#y', 'http://example.com/x']) {
      expect((await failureOf(rig.download({ urls: [url] }))).code).toBe('OCIDSL_DOWNLOAD_URL');
    }
    expect((await failureOf(rig.download({ urls: [] }))).code).toBe('OCIDSL_DOWNLOAD_URL');
    expect((await failureOf(rig.download({ urls: ['https://e.com/x'], digest: 'sha256:zz' }))).code).toBe('OCIDSL_DIGEST_SYNTAX');
  });
});

describe('several URLs', () => {
  it('are tried in order, and go on with what the one before gave', async () => {
    const rig = downloadRig({ retry: { attempts: 2 } });
    const cutting = await fileServer(FILE, (request, response) => cutAfter(cutting, request, response, 100_000));
    cutting.file = FILE;
    const gone = await fileServer(FILE, (_, response) => (response.writeHead(404).end('no'), true));
    const good = await fileServer(FILE);
    const digest = await rig.download({ urls: [gone.url, cutting.url, good.url], digest: DIGEST, limits: { progressBytes: 1e9 } });
    expect(digest).toEqual(digestOf(FILE));
    expect(await rig.has(FILE)).toBe(true);
    expect(gone.requests).toEqual(['GET -']);
    expect(cutting.requests).toHaveLength(2);
    // Another server's ETag means nothing here.
    expect(good.requests).toEqual([expect.stringMatching(/^GET bytes=[1-9]\d+-$/)]);
    expect(good.headers[0]).not.toHaveProperty('if-range');
  });

  it('are all named, each with its reason, where none has the file; the worst reason decides the kind', async () => {
    const other = await fileServer(Buffer.from('something else'));
    const gone = await fileServer(FILE, (_, response) => (response.writeHead(410).end(), true));
    const closed = 'http://127.0.0.1:1/x';
    const failure = (await failureOf(downloadRig().download({ urls: [closed, gone.url, other.url], digest: DIGEST }))) as Awaited<
      ReturnType<typeof failureOf>
    > & { output: string };
    expect(failure).toMatchObject({ code: 'OCIDSL_DOWNLOAD_MISMATCH', kind: 'integrity' });
    const lines = failure.output.split('\n');
    expect(lines).toHaveLength(3);
    expect(lines[0]).toContain('nothing listens on 127.0.0.1:1');
    expect(lines[1]).toContain('the server answered 410 Gone');
    expect(lines[2]).toContain(`its 14 bytes have the digest`);
    expect(await failureOf(downloadRig().download({ urls: [closed, gone.url], digest: DIGEST }))).toMatchObject({ kind: 'network' });
    const asks = await fileServer(FILE, (_, response) => (response.writeHead(403).end(), true));
    expect(await failureOf(downloadRig().download({ urls: [asks.url, gone.url], digest: DIGEST }))).toMatchObject({ kind: 'credentials' });
  });
});

describe('an interrupted download', () => {
  it('goes on where the connection broke off, as often as there is progress', async () => {
    const rig = downloadRig();
    const server = await fileServer(FILE);
    server.interfere = (request, response, nth) => nth < 30 && cutAfter(server, request, response, 10_000);
    const digest = await rig.download({ urls: [server.url], digest: DIGEST, limits: LIMITS });
    expect(digest).toEqual(digestOf(FILE));
    expect(await rig.has(FILE)).toBe(true);
    expect(server.requests).toHaveLength(30);
    expect(server.requests[1]).toBe('GET bytes=10000-');
    expect(server.headers[1]).toMatchObject({ 'if-range': etagOf(FILE) });
    expect(server.sent).toBe(FILE.length);
  });

  it('without a digest goes on only while it is certainly the same file', async () => {
    const changed = sampleBytes(200_000, 9);
    const rig = downloadRig();
    const server = await fileServer(FILE);
    server.interfere = (request, response, nth) => {
      if (nth === 1) return cutAfter(server, request, response, 50_000);
      server.file = changed;
      return false;
    };
    expect(await rig.download({ urls: [server.url], limits: LIMITS })).toEqual(digestOf(changed));
    expect(server.requests).toEqual(['GET -', 'GET bytes=50000-']);

    const weak = await fileServer(FILE);
    weak.interfere = (request, response, nth) => nth === 1 && cutAfter(weak, request, response, 50_000, { etag: 'W/"1"' });
    expect(await rig.download({ urls: [weak.url], limits: LIMITS })).toEqual(digestOf(FILE));
    expect(weak.requests).toEqual(['GET -', 'GET -']);
  });

  it('with a time of the last change and no ETag asks with that, unless it was just then', async () => {
    const modified = 'Wed, 01 Jan 2025 00:00:00 GMT';
    for (const [date, ifRange] of [
      ['Thu, 02 Jan 2025 00:00:00 GMT', modified],
      [modified, undefined],
    ]) {
      const server = await fileServer(FILE);
      server.interfere = (request, response, nth) => {
        const more = { 'last-modified': modified, date, etag: [] };
        return nth === 1 ? cutAfter(server, request, response, 50_000, more) : cutAfter(server, request, response, 1e6, more);
      };
      await downloadRig().download({ urls: [server.url], digest: DIGEST, limits: LIMITS });
      expect(server.headers[1]!['if-range']).toBe(ifRange);
      expect(server.requests[1]).toBe('GET bytes=50000-');
    }
  });

  it('passes over what it has where the whole file is sent again, and takes it all where the file is another one', async () => {
    const rig = downloadRig();
    const server = await fileServer(FILE);
    const sendAll = { etag: etagOf(FILE), 'content-length': FILE.length };
    server.interfere = (request, response, nth) => {
      if (nth === 1) return cutAfter(server, request, response, 120_000);
      response.writeHead(200, sendAll).end(FILE);
      return true;
    };
    expect(await rig.download({ urls: [server.url], digest: DIGEST, limits: LIMITS })).toEqual(digestOf(FILE));
    expect(server.requests).toHaveLength(2);

    // The first 50,000 bytes were of another version: those that replace it are the whole answer.
    const wrong = sampleBytes(300_000, 5);
    const replaced = await fileServer(wrong);
    replaced.interfere = (request, response, nth) => {
      if (nth === 1) return cutAfter(replaced, request, response, 50_000);
      replaced.file = FILE;
      return false;
    };
    expect(await downloadRig().download({ urls: [replaced.url], digest: DIGEST, limits: LIMITS })).toEqual(digestOf(FILE));
    expect(replaced.requests).toEqual(['GET -', 'GET bytes=50000-']);
  });

  it('starts over once where pieces of unknown versions make another file', async () => {
    const server = await fileServer(FILE);
    const old = sampleBytes(300_000, 5);
    server.interfere = (request, response, nth) => {
      const from = Number(/\d+/.exec(request.headers.range ?? '0')![0]);
      const bytes = nth === 1 ? old : FILE;
      const range = from > 0 ? { 'content-range': `bytes ${from}-${FILE.length - 1}/${FILE.length}` } : {};
      response.writeHead(from > 0 ? 206 : 200, { 'content-length': FILE.length - from, ...range });
      response.write(bytes.subarray(from, nth === 1 ? 50_000 : undefined));
      setImmediate(() => response.socket?.end(() => response.destroy()));
      return true;
    };
    expect(await downloadRig().download({ urls: [server.url], digest: DIGEST, limits: LIMITS })).toEqual(digestOf(FILE));
    expect(server.requests).toEqual(['GET -', 'GET bytes=50000-', 'GET -']);
  });

  it('asks for the whole file where the server gets ranges wrong', async () => {
    for (const answer of [
      { status: 206, headers: { 'content-range': `bytes 0-${FILE.length - 1}/${FILE.length}` } },
      { status: 206, headers: {} },
      { status: 416, headers: {} },
      { status: 501, headers: {} },
    ]) {
      const server = await fileServer(FILE);
      server.interfere = (request, response, nth) => {
        if (nth === 1) return cutAfter(server, request, response, 50_000);
        if (nth > 2) return false;
        response.writeHead(answer.status, answer.headers).end('x');
        return true;
      };
      expect(await downloadRig().download({ urls: [server.url], digest: DIGEST, limits: LIMITS })).toEqual(digestOf(FILE));
      expect(server.requests).toEqual(['GET -', 'GET bytes=50000-', 'GET -']);
    }
  });

  it('ends after five attempts without progress, and what came is kept', async () => {
    const rig = downloadRig();
    const server = await fileServer(FILE);
    server.interfere = (request, response, nth) => cutAfter(server, request, response, nth === 1 ? 70_000 : 0);
    const failure = await failureOf(rig.download({ urls: [server.url], digest: DIGEST, limits: LIMITS }));
    expect(failure).toMatchObject({ kind: 'network' });
    expect(server.requests).toHaveLength(6);
    expect(rig.clock.sleeps).toHaveLength(4);
    server.interfere = () => false;
    await rig.download({ urls: [server.url], digest: DIGEST });
    expect(server.requests.at(-1)).toMatch(/^GET bytes=[1-9]\d+-$/);
  });

  it('of an end that only a digest tells from a cut goes on until it is whole', async () => {
    const server = await fileServer(FILE);
    server.interfere = (request, response) => {
      const from = Number(/\d+/.exec(request.headers.range ?? '0')![0]);
      response.shouldKeepAlive = false;
      response.useChunkedEncodingByDefault = false;
      response.writeHead(from > 0 ? 206 : 200, from > 0 ? { 'content-range': `bytes ${from}-${FILE.length - 1}/*` } : {});
      response.end(FILE.subarray(from, from + 160_000));
      return true;
    };
    expect(await downloadRig().download({ urls: [server.url], digest: DIGEST, limits: LIMITS })).toEqual(digestOf(FILE));
    expect(server.requests).toHaveLength(2);
    expect(await failureOf(downloadRig().download({ urls: [server.url] }))).toMatchObject({ code: 'OCIDSL_DOWNLOAD_UNBOUNDED' });
  });
});

describe('a server that is busy', () => {
  it('is asked again after 408, 429 and 5xx, when it says so or a while later', async () => {
    const rig = downloadRig();
    const statuses = [503, 429, 408, 502];
    const server = await fileServer(FILE, (_, response, nth) => {
      const status = statuses[nth - 1];
      if (status === undefined) return false;
      response.writeHead(
        status,
        status === 429 ? { 'retry-after': '7' } : status === 503 ? { 'retry-after': inSeconds(rig.clock.now(), 3) } : {},
      );
      response.end();
      return true;
    });
    await rig.download({ urls: [server.url], digest: DIGEST });
    expect(rig.clock.sleeps).toEqual([3000, 7000, 1000, 2000]);
  });

  it('that stops sending is asked for the rest', { timeout: 20_000 }, async () => {
    const server = await fileServer(FILE);
    server.interfere = (_, response, nth) => {
      if (nth > 1) return false;
      response.writeHead(200, { 'content-length': FILE.length, etag: etagOf(FILE) });
      response.write(FILE.subarray(0, 40_000));
      return true; // and nothing more
    };
    await downloadRig({ timeouts: { bodyMs: 300 } }).download({ urls: [server.url], digest: DIGEST });
    expect(server.requests).toEqual(['GET -', 'GET bytes=40000-']);
  });

  it('leaves the store as it was when the download is cancelled', async () => {
    const controller = new AbortController();
    const rig = downloadRig();
    const server = await fileServer(FILE, (_, response) => {
      response.writeHead(200, { 'content-length': FILE.length });
      response.write(FILE.subarray(0, 1000), () => controller.abort(new Error('enough')));
      return true;
    });
    await expect(rig.download({ urls: [server.url], digest: DIGEST }, controller.signal)).rejects.toThrow('enough');
    expect(filesBelow(join(rig.cache, 'v1/tmp'))).toEqual([]);
  });
});

describe('redirects', () => {
  it('are followed to other hosts, with the range, and never from https to http or without end', async () => {
    const rig = downloadRig();
    const target = await fileServer(FILE);
    target.interfere = (request, response, nth) => nth === 1 && cutAfter(target, request, response, 50_000);
    const server = await fileServer(FILE, (_, response) => (response.writeHead(302, { location: target.url }).end(), true));
    await rig.download({ urls: [server.url], digest: DIGEST, limits: LIMITS });
    expect(target.requests).toEqual(['GET -', 'GET bytes=50000-']);
    expect(target.headers[1]).toMatchObject({ 'if-range': etagOf(FILE) });
    const loop = await fileServer(FILE, (request, response) => (response.writeHead(302, { location: request.url }).end(), true));
    expect(await failureOf(downloadRig().download({ urls: [loop.url], digest: DIGEST }))).toMatchObject({
      code: 'OCIDSL_REDIRECT_REFUSED',
    });
  });
});

function inSeconds(nowMs: number, seconds: number): string {
  return new Date(nowMs + seconds * 1000).toUTCString();
}
