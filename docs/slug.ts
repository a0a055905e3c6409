/** The anchor of a heading, as GitHub makes it: a link to a heading leads there on GitHub and in the site alike. */
export const slugOf = (heading: string): string =>
  heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, "")
    .replaceAll(" ", "-")
