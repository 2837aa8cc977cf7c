/** Lines for the person at the terminal, in Korean where the system speaks Korean, else in English. */

const { LC_ALL, LC_MESSAGES, LANG } = process.env;
const korean = /^ko/i.test(LC_ALL || LC_MESSAGES || LANG || Intl.DateTimeFormat().resolvedOptions().locale);

/**
 * @param {string} en
 * @param {string} ko
 */
export function say(en, ko) {
  console.log(korean ? ko : en);
}
