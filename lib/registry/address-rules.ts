// Where a registry may send us. Redirects, upload locations, token realms and foreign layer URLs are chosen by the server;
// from a public registry they must not reach this machine's own networks (cloud metadata, routers, other services).
import { lookup as dnsLookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';

const PRIVATE = {
  ipv4: [
    ['0.0.0.0', 8],
    ['10.0.0.0', 8],
    ['100.64.0.0', 10],
    ['127.0.0.0', 8],
    ['169.254.0.0', 16],
    ['172.16.0.0', 12],
    ['192.0.0.0', 24],
    ['192.168.0.0', 16],
    ['198.18.0.0', 15],
    ['224.0.0.0', 3],
  ],
  ipv6: [
    ['::', 127], // unspecified and loopback
    ['fc00::', 7],
    ['fe80::', 10],
    ['ff00::', 8],
    ['64:ff9b::', 96], // NAT64 would carry a private IPv4 address
  ],
} as const;

let blocked: BlockList | undefined;

// Made when it is needed: that takes milliseconds, and most registries lead nowhere else.
function privateAddresses(): BlockList {
  if (blocked !== undefined) return blocked;
  blocked = new BlockList();
  for (const family of ['ipv4', 'ipv6'] as const) {
    for (const [network, prefix] of PRIVATE[family]) blocked.addSubnet(network, prefix, family);
  }
  return blocked;
}

/** Whether an IP address is loopback, link-local, private, multicast or otherwise not on the public internet. */
export function isPrivateAddress(address: string): boolean {
  const bare = address.replace(/^\[|\]$/g, '');
  const family = isIP(bare);
  if (family === 0) return false;
  // BlockList itself compares IPv4-mapped IPv6 addresses with the IPv4 rules.
  return privateAddresses().check(bare, family === 4 ? 'ipv4' : 'ipv6');
}

/** Resolves a host name to its addresses; injected in tests. */
export type ResolveHost = (hostname: string) => Promise<readonly string[]>;

/** The system's resolver. Names without addresses give an empty list: connecting will then say why. */
export const resolveHost: ResolveHost = async (hostname) => {
  try {
    return (await dnsLookup(hostname, { all: true })).map((entry) => entry.address);
  } catch {
    return [];
  }
};

/** Whether a host is, or resolves to, a private address. */
export async function isPrivateHost(hostname: string, resolve: ResolveHost): Promise<boolean> {
  const bare = hostname.replace(/^\[|\]$/g, '');
  if (isIP(bare) !== 0) return isPrivateAddress(bare);
  if (bare === 'localhost' || bare.endsWith('.localhost')) return true;
  return (await resolve(bare)).some(isPrivateAddress);
}

/**
 * Why `target`, named by the server `from`, must not be asked; undefined where it may be. A change of scheme from https
 * to http is always refused; a private address is refused unless `from` is on a private network itself.
 */
export async function whyNotFollow(from: URL, target: URL, resolve: ResolveHost): Promise<string | undefined> {
  if (target.protocol !== 'https:' && target.protocol !== 'http:') return `its scheme is "${target.protocol.slice(0, 20)}"`;
  if (target.protocol === 'http:' && from.protocol === 'https:') return 'it goes from https to plain http';
  if (target.hostname === from.hostname) return undefined;
  if (!(await isPrivateHost(target.hostname, resolve))) return undefined;
  return (await isPrivateHost(from.hostname, resolve)) ? undefined : 'it leads from a public registry to a private address';
}
