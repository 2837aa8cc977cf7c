import assert from 'node:assert/strict';
import { serverLanguage } from '../../nodes/language.ts';

describe('nodes/language', () => {
  it('follows the setting, then the locale of the process', () => {
    assert.equal(serverLanguage({ lang: 'ko' }, { LANG: 'en_US.UTF-8' }), 'ko');
    assert.equal(serverLanguage({ lang: 'en-US' }, { LANG: 'ko_KR.UTF-8' }), 'en');
    assert.equal(serverLanguage({}, { LANG: 'ko_KR.UTF-8' }), 'ko');
    assert.equal(serverLanguage({}, { LC_ALL: 'ko_KR', LANG: 'C' }), 'ko');
    assert.equal(serverLanguage({}, { LC_ALL: '', LANG: 'C.UTF-8' }), 'en');
    assert.equal(serverLanguage({}, {}), 'en');
  });
});
