//! What a company's name is compared by: `Müller & Söhne GmbH` and `mueller and soehne` stay two, `ACME, Inc.` and `Acme`
//! become one.

use unicode_normalization::UnicodeNormalization;

/// Forms of companies, without their dots.
const LEGAL: &[&str] = &[
    "ab", "ag", "bv", "co", "corp", "gmbh", "inc", "kg", "llc", "ltd", "nv", "oy", "plc", "pty", "sarl", "sas", "spa",
    "srl",
];

/// The name without case, legal forms and punctuation, `&` as `and`, words parted by one space
/// (`cdp-semantics` §2.3). A name that is nothing but legal forms stays as it is.
pub fn normal_name(name: &str) -> String {
    let folded: String = name.nfkc().flat_map(char::to_lowercase).collect::<String>().replace('ß', "ss");
    let mut text = String::with_capacity(folded.len());
    for letter in folded.chars() {
        match letter {
            '&' => text.push_str(" and "),
            // `S.A.R.L.` and `L'Oréal` are one word each.
            '.' | '\'' | '’' => {}
            letter if letter.is_alphanumeric() => text.push(letter),
            _ => text.push(' '),
        }
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut kept = words.as_slice();
    while let [rest @ .., last] = kept
        && !rest.is_empty()
        && (LEGAL.contains(last) || (*last == "and" && kept.len() < words.len()))
    {
        kept = rest;
    }
    kept.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legal_forms_case_and_punctuation_do_not_count() {
        let cases = [
            ("ACME, Inc.", "acme"),
            ("Acme", "acme"),
            ("Acme GmbH & Co. KG", "acme"),
            ("Müller & Söhne GmbH", "müller and söhne"),
            ("Boulangerie S.A.R.L.", "boulangerie"),
            ("Rossi S.p.A.", "rossi"),
            ("Weißbier AG", "weissbier"),
            ("Ben & Jerry", "ben and jerry"),
            ("  The   Big-Co (Holding) Pty Ltd ", "the big co holding"),
            ("AG", "ag"),
            ("SAS", "sas"),
            ("Co Op", "co op"),
            ("Rock and", "rock and"),
            ("ＡＣＭＥ　ＬＬＣ", "acme"),
            ("", ""),
        ];
        for (name, want) in cases {
            assert_eq!(normal_name(name), want, "{name:?}");
        }
    }
}
