// Numbers of a model in words.

/** What a loss in nats means: among how many equally likely characters it is like guessing. */
export const guesses = (nats) => `like guessing among ${figure(Math.exp(nats))}`;

/** A number with two digits, or all digits before the point. */
export const figure = (number) => (number >= 10 ? String(Math.round(number)) : number.toPrecision(2).replace(/\.0$/, ""));

/** A probability as people write it. */
export const percent = (share) => `${(100 * share).toFixed(1)}%`;

/** A character, or the name of one that cannot be seen. */
export const visible = (character) => ({ " ": "space", "\n": "line end", "\u0003": "end of text" })[character] ?? character;

/** One sign for a character, also for one that cannot be seen. */
export const glyph = (character) => ({ " ": "␣", "\n": "⏎", "\u0003": "␃" })[character] ?? character;
