//! `ferry profile company:KEY`: one company, what it says of itself and who belongs to it; and the company of a person.

use std::collections::BTreeMap;

use connector::Timestamp;
use serde::Serialize;

use crate::cli::clean;
use crate::cli::exit::{Ended, Exit, Failure};
use crate::cli::moment;
use crate::cli::profile::Trait;
use crate::cli::runs::plain_value;
use crate::cli::terminal::{Terminal, Tone, cell};
use crate::company::host;
use crate::model::{ClaimKind, canonical};
use crate::store::{CompanyDetail, CompanyOf, CompanyTie, Store};

/// Members shown; the count is of all.
const MEMBERS: usize = 100;

/// The key of a company in a KEY of the command line.
pub fn key(key: &str) -> Option<&str> {
    key.trim().strip_prefix("company:")
}

pub async fn run(key: &str, store: Option<&dyn Store>, terminal: &Terminal) -> Ended {
    let nobody = || nobody(key);
    let store = store.ok_or_else(nobody)?;
    let detail = store.company(&normal(key), MEMBERS).await?.ok_or_else(nobody)?;
    terminal.show(&view(&detail), |terminal| print(&detail, terminal))?;
    Ok(Exit::Done)
}

pub fn nobody(key: &str) -> Failure {
    Failure::new(format!("no company is known as `company:{}`", clean::line(key)))
        .with_fix("a key is company:domain:DOMAIN, company:group:ID, company:crm:CONN:ID or company: and its id")
}

/// A domain in the form that the store has it in.
pub fn normal(key: &str) -> String {
    match key.split_once(':') {
        Some(("domain", domain)) => host(domain).map_or_else(|| key.to_owned(), |domain| format!("domain:{domain}")),
        _ => key.trim().to_owned(),
    }
}

/// A company that a person is tied to, in `profile --json`.
#[derive(Debug, Serialize)]
pub struct TieView {
    /// `group:G-1`, `crm:CONN:ID` or `domain:DOMAIN`; after `company:` it is a KEY.
    pub key: String,
    pub name: Option<String>,
    /// `group`, `crm`, `company_id`, `email_domain` or `website`.
    pub why: &'static str,
    /// What the person was known by: the company's key, or a domain that it claims.
    pub by: String,
}

impl TieView {
    pub fn of(tie: &CompanyTie) -> Self {
        Self {
            key: tie.key.to_string(),
            name: tie.name.as_deref().map(str::to_owned),
            why: tie.why.as_str(),
            by: tie.by.to_string(),
        }
    }
}

/// A person's company and the past ones.
pub fn print_ties(company: &CompanyOf, terminal: &Terminal) {
    if let Some(primary) = &company.primary {
        terminal.say(clean::line(&format!("  company {}", told(primary))));
    }
    for past in &company.past {
        terminal.say(clean::line(&format!("    also {}", told(past))));
    }
}

fn told(tie: &CompanyTie) -> String {
    let name = tie.name.as_deref().map_or_else(String::new, |name| format!("{name}, "));
    let by = if tie.by == tie.key { String::new() } else { format!(" {}", tie.by) };
    format!("{name}{} ({}{by})", tie.key, why(tie.why))
}

fn why(kind: ClaimKind) -> &'static str {
    match kind {
        ClaimKind::Group => "by group",
        ClaimKind::Account => "by the CRM",
        ClaimKind::DeclaredId => "by traits.company.id",
        ClaimKind::EmailDomain => "by e-mail address",
        ClaimKind::Website => "by website",
    }
}

/// `profile company:KEY --json`.
#[derive(Debug, Serialize)]
pub struct View {
    pub id: String,
    pub key: String,
    pub first_seen: Timestamp,
    pub domains: Vec<String>,
    pub also_claimed_by: Vec<Rival>,
    pub traits: BTreeMap<String, Trait>,
    /// People whose primary company it is.
    pub member_count: u64,
    pub members: Vec<Member>,
}

#[derive(Debug, Serialize)]
pub struct Rival {
    pub domain: String,
    pub key: String,
}

#[derive(Debug, Serialize)]
pub struct Member {
    pub profile: String,
    pub name: Option<String>,
    pub email: Option<String>,
    pub why: &'static str,
    /// Whether it is the person's company now.
    pub primary: bool,
}

pub fn view(detail: &CompanyDetail) -> View {
    View {
        id: detail.uid.to_string(),
        key: detail.key.to_string(),
        first_seen: detail.first_seen,
        domains: detail.domains.iter().map(ToString::to_string).collect(),
        also_claimed_by: detail
            .rivals
            .iter()
            .map(|(domain, key)| Rival { domain: domain.to_string(), key: key.to_string() })
            .collect(),
        traits: detail
            .traits
            .iter()
            .map(|(name, attribute)| {
                let shown = Trait {
                    value: canonical::to_json(&attribute.value),
                    observed_at: attribute.observed_at,
                    recorded_at: attribute.recorded_at,
                    origin: attribute.origin.to_string(),
                };
                (name.to_string(), shown)
            })
            .collect(),
        member_count: detail.member_count,
        members: detail
            .members
            .iter()
            .map(|member| Member {
                profile: member.profile.to_string(),
                name: member.name.as_deref().map(str::to_owned),
                email: member.email.as_deref().map(str::to_owned),
                why: member.why.as_str(),
                primary: member.is_primary,
            })
            .collect(),
    }
}

fn print(detail: &CompanyDetail, terminal: &Terminal) {
    let heading = terminal.paint(Tone::Heading, "company");
    terminal.say(format!("{heading} {} ({})", clean::line(&detail.key.to_string()), detail.uid));
    terminal.say(format!(
        "first seen {} UTC · {} {}",
        moment::at(detail.first_seen),
        moment::count(detail.member_count),
        if detail.member_count == 1 { "person" } else { "people" }
    ));
    for domain in &detail.domains {
        terminal.say(clean::line(&format!("  claims {domain}")));
    }
    for (domain, key) in &detail.rivals {
        terminal.say(clean::line(&format!("  {domain} is also claimed by company:{key}")));
    }
    if !detail.traits.is_empty() {
        terminal.say("");
        terminal.say(terminal.paint(Tone::Heading, "traits"));
        let mut table = terminal.table(&["trait", "value", "from", "observed (UTC)"]);
        for (name, attribute) in &detail.traits {
            table.add_row([
                cell(Tone::Plain, name),
                cell(Tone::Plain, plain_value(&attribute.value)),
                cell(Tone::Quiet, &attribute.origin),
                cell(Tone::Quiet, moment::at(attribute.observed_at)),
            ]);
        }
        terminal.print(&table);
    }
    if !detail.members.is_empty() {
        terminal.say("");
        terminal.say(terminal.paint(Tone::Heading, "people"));
        let mut table = terminal.table(&["profile", "name", "e-mail", "why"]);
        for member in &detail.members {
            let elsewhere = if member.is_primary { "" } else { ", now elsewhere" };
            table.add_row([
                cell(Tone::Plain, member.profile),
                cell(Tone::Plain, member.name.as_deref().unwrap_or("–")),
                cell(Tone::Plain, member.email.as_deref().unwrap_or("–")),
                cell(Tone::Quiet, format!("{}{elsewhere}", why(member.why))),
            ]);
        }
        terminal.print(&table);
    }
}

#[cfg(test)]
mod tests {
    use connector::Value;

    use super::*;
    use crate::cli::terminal::tests::captured;
    use crate::model::{Attribute, CompanyKey, CompanyUid, Origin, ProfileUid};
    use crate::store::CompanyMember;

    fn acme() -> CompanyDetail {
        let at = Timestamp::from_secs(86_400);
        let name = Attribute {
            value: Value::from("Acme"),
            observed_at: at,
            recorded_at: at,
            origin: Origin::Identify("website".into()),
        };
        CompanyDetail {
            uid: CompanyUid(uuid::Uuid::from_u128(9)),
            key: CompanyKey::Group("g-1".into()),
            first_seen: at,
            traits: BTreeMap::from([("name".into(), name)]),
            domains: vec!["acme.example".into()],
            rivals: vec![("acme.example".into(), CompanyKey::Group("g-2".into()))],
            member_count: 1,
            members: vec![CompanyMember {
                profile: ProfileUid(uuid::Uuid::from_u128(5)),
                name: None,
                email: Some("ada@acme.example".into()),
                why: ClaimKind::Group,
                is_primary: true,
            }],
        }
    }

    #[test]
    fn a_company_is_told_with_its_people() {
        let (terminal, out, _) = captured(false);
        print(&acme(), &terminal);
        let text = out.text();
        for line in [
            "company group:g-1 (00000000-0000-0000-0000-000000000009)\n",
            "first seen 1970-01-02 00:00:00 UTC · 1 person\n  claims acme.example\n",
            "  acme.example is also claimed by company:group:g-2\n",
            "name   Acme   source website  1970-01-02 00:00:00\n",
            "–     ada@acme.example  by group\n",
        ] {
            assert!(text.contains(line), "{line:?} is not in\n{text}");
        }
        let json = serde_json::to_value(view(&acme())).unwrap();
        assert_eq!(json["members"][0]["why"], "group");
        assert_eq!(json["traits"]["name"]["value"], "Acme");
        assert_eq!(json["also_claimed_by"][0]["key"], "group:g-2");
    }

    #[test]
    fn keys_of_companies_are_told_apart_and_domains_are_in_one_form() {
        assert_eq!(key(" company:domain:acme.example"), Some("domain:acme.example"));
        assert_eq!(key("email:company:1@acme.example"), None);
        assert_eq!(normal("domain:Bücher.example"), "domain:xn--bcher-kva.example");
        assert_eq!(normal("group:G:1"), "group:G:1");
    }

    #[test]
    fn a_tie_says_what_it_hangs_on() {
        let tie = CompanyTie {
            key: CompanyKey::Group("g-1".into()),
            name: Some("Acme".into()),
            why: ClaimKind::EmailDomain,
            by: CompanyKey::Domain("acme.example".into()),
        };
        assert_eq!(told(&tie), "Acme, group:g-1 (by e-mail address domain:acme.example)");
    }
}
