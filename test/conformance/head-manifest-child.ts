// A process of its own, for what Node reads at its start and for namespaces: asks a registry for a manifest that it does not have.
import { createRegistryClient } from '../../lib/registry/client.ts';

const client = createRegistryClient({ environment: process.env, retry: { attempts: 1 } });
try {
  const head = await client.repository({ registry: process.argv[2]!, repository: 'none' }).headManifest('v1');
  console.log(head === undefined ? 'no such manifest' : head.digest);
} catch (error) {
  const { code, message } = error as { code: string; message: string };
  console.log(code, message);
}
await client.close();
