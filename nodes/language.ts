/**
 * The language of what the server says (errors, log lines). What the editor shows is in the browser's language instead:
 * see `locales/`.
 */
import type { Language } from '../lib/errors.ts';

/** As Node-RED itself chooses: the `lang` setting, else the locale of the process. Korean, or else English. */
export function serverLanguage(
  settings: { readonly lang?: unknown },
  env: Readonly<Record<string, string | undefined>> = process.env,
): Language {
  const locale = settings.lang || env['LC_ALL'] || env['LC_MESSAGES'] || env['LANG'] || '';
  return /^ko/i.test(String(locale)) ? 'ko' : 'en';
}
