"""The numbers 1 to 9,999 in German and in English words, split into their parts.

«einundzwanzig» is "ein", "und", "zwanzig", and «twenty-one» is "twenty", "one".
"""

SMALL = {
    "German": "eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn "
    "fünfzehn sechzehn siebzehn achtzehn neunzehn",
    "English": "one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen",
}
TENS = {
    "German": "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig",
    "English": "twenty thirty forty fifty sixty seventy eighty ninety",
}
POWERS = {
    "German": {1000: "tausend", 100: "hundert"},
    "English": {1000: "thousand", 100: "hundred"},
}
LANGUAGES = ("German", "English")
LARGEST = 9999
LONGEST = 7  # parts of a number
PARTS = [
    *(
        part
        for words in (SMALL, TENS)
        for language in LANGUAGES
        for part in words[language].split()
    ),
    *(power for language in LANGUAGES for power in POWERS[language].values()),
    "ein",
    "und",
]


def parts(number: int, language: str) -> list[str]:
    """Return the parts of the number's name in the language."""
    result = []
    for power, name in POWERS[language].items():
        count, number = divmod(number, power)
        if count:
            result += [_count(count, language), name]
    return result + _below_hundred(number, language)


def _below_hundred(number: int, language: str) -> list[str]:
    if number < 20:
        return SMALL[language].split()[number - 1 : number] if number else []
    tens, ones = divmod(number, 10)
    name = TENS[language].split()[tens - 2]
    if not ones:
        return [name]
    one = _count(ones, language)
    return [one, "und", name] if language == "German" else [name, one]


def _count(ones: int, language: str) -> str:
    """Return the name of 1 to 9 before another part: German has «ein» for «eins» there."""
    return "ein" if (ones, language) == (1, "German") else SMALL[language].split()[ones - 1]
