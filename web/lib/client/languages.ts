/** Language tags as people call them. */

const NAMES = new Intl.DisplayNames(['en'], {
  type: 'language',
  languageDisplay: 'standard',
  fallback: 'none',
});

/** Tags that Intl does not know, or would read as something else. */
const OWN: Record<string, string> = {
  auto: 'Any language',
  'ca-ba': 'Catalan (Balearic)',
  'ca-nw': 'Catalan (North-western)',
  'ca-va': 'Catalan (Valencian)',
  'chr-us-qaaa-x-west': 'Cherokee (Western)',
  cmn: 'Chinese (Mandarin)',
  'cmn-latn-pinyin': 'Chinese (Mandarin, written in pinyin)',
  'en-gb-scotland': 'English (Scotland)',
  'en-gb-x-gbclan': 'English (Lancaster)',
  'en-gb-x-gbcwmd': 'English (West Midlands)',
  'en-gb-x-rp': 'English (Received Pronunciation)',
  'en-us-nyc': 'English (New York City)',
  hyw: 'Armenian (Western)',
  mto: 'Mixe (Totontepec)',
  nci: 'Nahuatl (Classical)',
  piqd: 'Klingon',
  py: 'Pyash',
  qdb: 'Lang Belta',
  qya: 'Quenya',
  'ru-cl': 'Russian (Classic)',
  sjn: 'Sindarin',
  'vi-vn-x-central': 'Vietnamese (Central)',
  'vi-vn-x-south': 'Vietnamese (Southern)',
  'yue-latn-jyutping': 'Cantonese (written in jyutping)',
};

/** `pt-br` → `Portuguese (Brazil)`; a tag that nobody knows stays as it is. */
export function languageName(tag: string): string {
  const own = OWN[tag.toLowerCase()];
  if (own) return own;
  try {
    return NAMES.of(tag) ?? tag;
  } catch {
    return tag; // not a tag that Intl can read
  }
}

/** By name, each tag once. */
export const byName = (tags: readonly string[]): string[] =>
  [...new Set(tags)].sort((a, b) => languageName(a).localeCompare(languageName(b), 'en'));
