// Debian's nginx in front of a registry.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, serve } from './real-registries.ts';

/** How nginx treats the requests. */
export interface NginxOptions {
  /** The registry behind it, `127.0.0.1:<port>`. */
  readonly upstream: string;
  /** As in `1m`. Default: no limit. */
  readonly maxBody?: string;
  /** Sends GETs of blobs to another port, as registries do that keep them in a bucket; that port adds this Authorization itself. */
  readonly redirectBlobs?: { readonly authorization?: string };
  /** Requests after which a connection is closed. */
  readonly requestsPerConnection?: number;
}

/** A running nginx. `await using` ends it. */
export interface Nginx extends AsyncDisposable {
  /** `127.0.0.1:<port>` */
  readonly host: string;
  /** Where blobs are redirected to. */
  readonly blobHost: string;
  /** `<host> <method> <status> <Authorization>` of each request so far. */
  log(): Promise<string[]>;
}

/** Starts nginx on free ports of 127.0.0.1. */
export async function startNginx(options: NginxOptions): Promise<Nginx> {
  const folder = await mkdtemp(join(tmpdir(), 'ocidsl-nginx-'));
  const blobHost = `127.0.0.1:${await freePort()}`;
  const { upstream, maxBody = '0', redirectBlobs, requestsPerConnection = 1000 } = options;
  const redirect = `if ($request_method = GET) { return 307 http://${blobHost}$request_uri; } proxy_pass http://${upstream};`;
  const configure = async (address: string) => {
    const config = `
daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
events { worker_connections 256; }
http {
  log_format tests '$http_host $request_method $status $http_authorization';
  access_log ${folder}/access.log tests;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
  client_max_body_size ${maxBody};
  keepalive_requests ${requestsPerConnection};
  proxy_request_buffering off; proxy_http_version 1.1;
  proxy_set_header Host $http_host; proxy_set_header X-Forwarded-Proto http;
  server {
    listen ${address};
    location ~ ^/v2/.+/blobs/sha256: { ${redirectBlobs === undefined ? `proxy_pass http://${upstream};` : redirect} }
    location / { proxy_pass http://${upstream}; }
  }
  server {
    listen ${blobHost};
    location / { ${redirectBlobs?.authorization === undefined ? '' : `proxy_set_header Authorization "${redirectBlobs.authorization}";`} proxy_pass http://${upstream}; }
  }
}`;
    await writeFile(join(folder, 'nginx.conf'), config);
    return ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')];
  };
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    const running = await serve('nginx', configure);
    return {
      host: running.host,
      blobHost,
      log: async () => (await readFile(join(folder, 'access.log'), 'utf8')).split('\n').filter((line) => line !== ''),
      [Symbol.asyncDispose]: async () => {
        await running.close();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}
