// Passwords in URLs, on their way into a message.

// All before the last @ of a URL's host: https://user:password@host
const USER_INFO = /:\/\/[^\s/?#]*@/g;

/** `text` with the user and password of every URL replaced. To be called before a text is cut: half of a URL cannot be told. */
export function hideUserInfo(text: string): string {
  return text.replace(USER_INFO, '://REDACTED@');
}
