// What a script says is in the page's language: the page hands its texts over in `data-texts`.

/** The texts of `element` by name; the places in them are filled in. */
export function textsOf(element) {
  const texts = JSON.parse(element.dataset.texts);
  return (name, places = {}) => texts[name]
    .replace(/%\((\w+)\)s/g, (_, place) => places[place])
    .replaceAll("%%", "%");
}

/** A number with so many digits behind the decimal mark of the page's language. */
export function written(value, digits) {
  const form = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return value.toLocaleString(document.documentElement.lang, form);
}
