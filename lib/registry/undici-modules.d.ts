// Types for the files that dispatcher.ts loads out of undici's package, which has no exports map.
declare module 'undici/lib/dispatcher/agent.js' {
  import type { Agent } from 'undici';
  const constructor: typeof Agent;
  export default constructor;
}
declare module 'undici/lib/dispatcher/proxy-agent.js' {
  import type { ProxyAgent } from 'undici';
  const constructor: typeof ProxyAgent;
  export default constructor;
}
declare module 'undici/lib/api/api-request.js' {
  import type { Dispatcher } from 'undici';
  const request: (this: Dispatcher, options: Dispatcher.RequestOptions) => Promise<Dispatcher.ResponseData>;
  export default request;
}
