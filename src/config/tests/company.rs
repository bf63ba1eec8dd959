//! `[company]`: its words, its domains, and what people get wrong.

use super::codes::problems;
use super::parsed;
use crate::company::Rules;

fn rules(text: &str) -> Rules {
    parsed(text).unwrap_or_else(|failure| panic!("{failure}")).settings.company
}

#[test]
fn without_the_section_every_tie_counts() {
    assert_eq!(rules(""), Rules::default());
    assert_eq!(rules("[company]\nmatch = [\"group_id\", \"crm\", \"domain\"]"), Rules::default());
}

#[test]
fn domains_are_normal_however_they_are_written() {
    let rules = rules(
        "[company]\nfree_mail_add = [\"Our-ISP.example.\", \"BÜCHER.example\"]\nfree_mail_remove = \"proton.me\"",
    );
    for free in ["our-isp.example", "mail.our-isp.example", "xn--bcher-kva.example", "gmail.com"] {
        assert_eq!(rules.company_domain(free), None, "{free}");
    }
    assert_eq!(rules.company_domain("proton.me").as_deref(), Some("proton.me"));
}

#[test]
fn what_is_wrong_is_said_where_it_stands() {
    let cases = [
        ("mach = []", "E003 2:1 unknown key `mach` in `[company]` | did you mean `match`?"),
        ("match = [\"group_id\", \"domian\"]", "E006 2:22 match \"domian\" is not valid | did you mean \"domain\"?"),
        ("match = [\"crm\", \"crm\"]", "E006 2:17 match lists \"crm\" twice"),
        ("match = []", "E006 2:9 match is empty: nobody would belong to a company"),
        ("match = 1", "E006 2:9 `match` must be an array of strings, found integer 1"),
        (
            "free_mail_add = [\"a.example\", \"https://b.example/\"]",
            "E006 2:31 free_mail_add: \"https://b.example/\" is not a domain that somebody can register",
        ),
        ("free_mail_add = [\"isp\"]", "E006 2:18 free_mail_add: \"isp\" is not a domain that somebody can register"),
        (
            "free_mail_remove = [\"co.uk\"]",
            "E006 2:21 free_mail_remove: \"co.uk\" is not a domain that somebody can register",
        ),
        (
            "free_mail_add = [\"a.example\"]\nfree_mail_remove = [\"A.example\"]",
            "E006 3:20 \"a.example\" is in free_mail_add and in free_mail_remove",
        ),
        (
            "free_mail_remove = [\"gmial.com\"]",
            "W107 2:20 free_mail_remove: \"gmial.com\" is on no list that Ferry has | did you mean \"gmail.com\"?",
        ),
    ];
    for (line, want) in cases {
        assert_eq!(problems(&format!("[company]\n{line}\n")), [want], "{line}");
    }
    assert_eq!(problems("[compny]\nmatch = []")[0], "E004 1:2 unknown section `[compny]` | did you mean `[company]`?");
}
