// Passwords in URLs, on their way into a message.

// All before the last @ of a URL's host: https://user:password@host, https://token@host. The user of ssh://user@host is no secret, and says which
// account was tried.
const USER_INFO = /(?<!\bssh(?=:\/\/[^\s/?#:@]*@)):\/\/[^\s/?#]*@/g;

/** `text` with the user and password of every URL replaced. To be called before a text is cut: half of a URL cannot be told. */
export function hideUserInfo(text: string): string {
  return text.replace(USER_INFO, '://REDACTED@');
}
