//! Which company somebody belongs to: the rules of `[company]`, applied to what is known of one person.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use connector::Timestamp;

use super::domain::{host, registrable};
use super::lists;
use crate::model::{
    Attribute, Claim, ClaimKind, CompanyClaims, CompanyEvidence, CompanyKey, CompanyRules, Profile, TraitName,
    is_disposable,
};

/// A word of `[company] match`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// Ids that the customer's systems give: group messages first, `traits.company.id` after every stronger tie.
    GroupId,
    /// The company record at a CRM.
    Crm,
    /// The domain of an e-mail address, then of a website.
    Domain,
}

impl Match {
    pub const NAMES: [(&str, Self); 3] = [("group_id", Self::GroupId), ("crm", Self::Crm), ("domain", Self::Domain)];
}

/// The rules of `[company]`, ready to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Ties that count, strongest first.
    order: Vec<ClaimKind>,
    /// Normalised domains.
    free_mail_add: BTreeSet<String>,
    free_mail_remove: BTreeSet<String>,
    /// Whether what the people of a company come to together is computed.
    pub roll_up: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self::new(&[Match::GroupId, Match::Crm, Match::Domain], [], [])
    }
}

impl Rules {
    /// `matches` in order of strength; domains as [`host`] gives them.
    pub fn new(
        matches: &[Match],
        free_mail_add: impl IntoIterator<Item = String>,
        free_mail_remove: impl IntoIterator<Item = String>,
    ) -> Self {
        let mut order = Vec::with_capacity(ClaimKind::ALL.len());
        for word in matches {
            match word {
                Match::GroupId => order.push(ClaimKind::Group),
                Match::Crm => order.push(ClaimKind::Account),
                Match::Domain => order.extend([ClaimKind::EmailDomain, ClaimKind::Website]),
            }
        }
        if matches.contains(&Match::GroupId) {
            // What a person's traits say of their company yields to a group and to the CRM.
            let stronger = |kind: &ClaimKind| matches!(kind, ClaimKind::Group | ClaimKind::Account);
            let after = order.iter().rposition(stronger).map_or(0, |at| at + 1);
            order.insert(after, ClaimKind::DeclaredId);
        }
        Self {
            order,
            free_mail_add: free_mail_add.into_iter().collect(),
            free_mail_remove: free_mail_remove.into_iter().collect(),
            roll_up: false,
        }
    }

    /// The registrable domain of a host, if it names a company: no free mail, no throw-away mail, nobody's.
    pub fn company_domain(&self, host: &str) -> Option<Arc<str>> {
        let domain = registrable(host)?;
        let named = |list: &BTreeSet<String>| {
            // A part of a domain may be free mail where the rest is a company's: `students.uni.example`.
            let mut part = Some(host);
            while let Some(name) = part {
                if list.contains(name) {
                    return true;
                }
                part = name.split_once('.').map(|(_, rest)| rest).filter(|rest| rest.len() >= domain.len());
            }
            false
        };
        let listed = lists::is_free_mail(domain) || is_disposable(domain);
        let nobodys =
            named(&self.free_mail_add) || (listed && !named(&self.free_mail_remove)) || lists::is_nobodys(domain);
        (!nobodys).then(|| domain.into())
    }

    /// The domain of a link or bare domain, if it names a company.
    fn site_domain(&self, text: &str) -> Option<Arc<str>> {
        self.company_domain(&host(text)?).filter(|domain| !lists::is_shared_page(domain))
    }

    fn email_domain(&self, address: &str) -> Option<Arc<str>> {
        self.company_domain(address.rsplit_once('@')?.1)
    }

    /// The keys of one kind of tie, best first.
    fn keys(&self, kind: ClaimKind, evidence: &CompanyEvidence<'_>) -> Vec<CompanyKey> {
        let profile = evidence.profile;
        match kind {
            ClaimKind::Group => {
                let mut groups: Vec<&(Arc<str>, Timestamp)> =
                    evidence.groups.iter().filter(|(id, _)| is_id(id)).collect();
                groups.sort_by(|(a, at), (b, bt)| bt.cmp(at).then_with(|| a.cmp(b)));
                groups.into_iter().map(|(id, _)| CompanyKey::Group(id.clone())).collect()
            }
            ClaimKind::Account => {
                let mut accounts: Vec<_> = evidence.accounts.iter().collect();
                // Where a person has several, the oldest record: ids grow.
                accounts.sort_by(|(a, x), (b, y)| {
                    a.cmp(b).then(x.as_str().len().cmp(&y.as_str().len())).then_with(|| x.cmp(y))
                });
                accounts
                    .into_iter()
                    .map(|(connection, id)| CompanyKey::Account { connection: connection.clone(), id: id.clone() })
                    .collect()
            }
            ClaimKind::DeclaredId => {
                let id = text_of(profile, "company.id").map(str::trim).filter(|id| is_id(id));
                id.map(|id| CompanyKey::Group(id.into())).into_iter().collect()
            }
            ClaimKind::EmailDomain => {
                let current = text_of(profile, "email").and_then(crate::model::normalise_email);
                let current = current.filter(|address| evidence.emails.iter().any(|held| **held == **address));
                let current = current.and_then(|address| self.email_domain(&address));
                let others: BTreeSet<Arc<str>> =
                    evidence.emails.iter().filter_map(|address| self.email_domain(address)).collect();
                current.into_iter().chain(others).map(CompanyKey::Domain).collect()
            }
            ClaimKind::Website => ["company.domain", "company.website", "website"]
                .into_iter()
                .filter_map(|name| self.site_domain(text_of(profile, name)?))
                .map(CompanyKey::Domain)
                .collect(),
        }
    }
}

impl CompanyRules for Rules {
    fn claims(&self, evidence: &CompanyEvidence<'_>) -> CompanyClaims {
        let mut claims: Vec<Claim> = Vec::new();
        for kind in &self.order {
            for key in self.keys(*kind, evidence) {
                let claim = Claim { kind: *kind, key };
                if !claims.contains(&claim) {
                    claims.push(claim);
                }
            }
        }
        let email_is_business = evidence.emails.iter().any(|address| self.email_domain(address).is_some());
        CompanyClaims { claims, email_is_business }
    }

    fn domains(&self, attributes: &BTreeMap<TraitName, Attribute>) -> Vec<Arc<str>> {
        let mut domains = Vec::new();
        for name in ["domain", "website"] {
            let text = attributes.get(name).and_then(|attribute| attribute.value.as_text());
            if let Some(domain) = text.and_then(|text| self.site_domain(text))
                && !domains.contains(&domain)
            {
                domains.push(domain);
            }
        }
        domains
    }

    fn fingerprint(&self) -> String {
        // The lists belong to it: a later version with longer ones decides anew.
        format!("{}|{self:?}", lists::VERSION)
    }
}

fn text_of<'a>(profile: &'a Profile, name: &str) -> Option<&'a str> {
    profile.attributes.get(name)?.value.as_text()
}

/// Whether a text can be somebody's id; what programs write where they have none is none.
fn is_id(text: &str) -> bool {
    const WORDS: &[&str] =
        &["-1", "null", "(null)", "none", "nil", "undefined", "nan", "n/a", "na", "unknown", "[object object]"];
    let text = text.trim();
    !text.bytes().all(|b| b == b'0' || b == b'-') && !WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use connector::{ConnectionName, RecordId, Value};

    use super::*;
    use crate::model::{Origin, ProfileId, ProfileUid, TraitValues};

    fn attribute(value: &str) -> Attribute {
        let at = Timestamp::from_secs(1);
        Attribute {
            value: Value::from(value),
            observed_at: at,
            recorded_at: at,
            origin: Origin::Identify("web".into()),
        }
    }

    fn profile(traits: &[(&str, &str)]) -> Profile {
        Profile {
            id: ProfileId(1),
            uid: ProfileUid(uuid::Uuid::from_u128(1)),
            first_seen: Timestamp::from_secs(1),
            known: true,
            attributes: traits.iter().map(|(name, value)| ((*name).into(), attribute(value))).collect(),
            computed: TraitValues::new(),
            computed_at: None,
        }
    }

    struct Known {
        traits: Vec<(&'static str, &'static str)>,
        groups: Vec<(&'static str, i64)>,
        accounts: Vec<(&'static str, &'static str)>,
        emails: Vec<&'static str>,
    }

    fn shown(rules: &Rules, known: &Known) -> Vec<String> {
        let profile = profile(&known.traits);
        let groups: Vec<(Arc<str>, Timestamp)> =
            known.groups.iter().map(|(id, at)| ((*id).into(), Timestamp::from_secs(*at))).collect();
        let accounts: Vec<(ConnectionName, RecordId)> =
            known.accounts.iter().map(|(connection, id)| ((*connection).into(), (*id).into())).collect();
        let emails: Vec<Arc<str>> = known.emails.iter().map(|email| (*email).into()).collect();
        let evidence = CompanyEvidence { profile: &profile, groups: &groups, accounts: &accounts, emails: &emails };
        let claims = rules.claims(&evidence);
        claims.claims.iter().map(|claim| format!("{} {}", claim.kind.as_str(), claim.key)).collect()
    }

    fn everything() -> Known {
        Known {
            traits: vec![
                ("company.id", "c-9"),
                ("company.website", "https://shop.acme.co.uk/x"),
                ("website", "https://www.linkedin.com/in/ada"),
                ("email", "Ada@Work.example"),
            ],
            groups: vec![("g-old", 10), ("g-new", 20), ("null", 99)],
            accounts: vec![("acme", "10"), ("acme", "9")],
            emails: vec!["ada@alpha.example", "ada@gmail.com", "ada@work.example", "ada@x.yopmail.com"],
        }
    }

    #[test]
    fn ties_are_ranked_by_kind_and_the_latest_group_comes_first() {
        let want = [
            "group group:g-new",
            "group group:g-old",
            "crm crm:acme:9",
            "crm crm:acme:10",
            "company_id group:c-9",
            "email_domain domain:work.example",
            "email_domain domain:alpha.example",
            "website domain:acme.co.uk",
        ];
        assert_eq!(shown(&Rules::default(), &everything()), want);
    }

    #[test]
    fn the_order_is_the_configurations() {
        let domain_first = Rules::new(&[Match::Domain, Match::Crm], [], []);
        let found = shown(&domain_first, &everything());
        assert_eq!(found.first().map(String::as_str), Some("email_domain domain:work.example"));
        assert_eq!(found.last().map(String::as_str), Some("crm crm:acme:10"));
        let crm_first = Rules::new(&[Match::Crm, Match::GroupId], [], []);
        let found = shown(&crm_first, &everything());
        assert_eq!(found[0], "crm crm:acme:9");
        assert_eq!(found.last().map(String::as_str), Some("company_id group:c-9"));
    }

    #[test]
    fn domains_that_name_nobody() {
        let rules = Rules::default();
        for host in ["gmail.com", "mail.gmx.at", "yopmail.com", "example.com", "github.io", "co.uk", "outlook.co.id"] {
            assert_eq!(rules.company_domain(host), None, "{host}");
        }
        assert_eq!(rules.company_domain("acme.github.io").as_deref(), Some("acme.github.io"));
        assert_eq!(rules.company_domain("xn--bcher-kva.example").as_deref(), Some("xn--bcher-kva.example"));
    }

    #[test]
    fn the_free_mail_list_is_the_customers_to_change() {
        let add = ["our-isp.example".to_owned(), "students.uni.example".to_owned()];
        let rules = Rules::new(&[Match::Domain], add, ["proton.me".to_owned(), "outlook.de".to_owned()]);
        assert_eq!(rules.company_domain("our-isp.example"), None);
        assert_eq!(rules.company_domain("mail.our-isp.example"), None);
        assert_eq!(rules.company_domain("proton.me").as_deref(), Some("proton.me"));
        assert_eq!(rules.company_domain("outlook.de").as_deref(), Some("outlook.de"));
        assert_eq!(rules.company_domain("outlook.at"), None);
        assert_eq!(rules.company_domain("students.uni.example"), None);
        assert_eq!(rules.company_domain("uni.example").as_deref(), Some("uni.example"));
    }

    #[test]
    fn a_company_claims_its_domain_and_its_website() {
        let rules = Rules::default();
        let traits = |list: &[(&str, &str)]| -> BTreeMap<TraitName, Attribute> {
            list.iter().map(|(name, value)| ((*name).into(), attribute(value))).collect()
        };
        let both = traits(&[("website", "https://www.acme.example"), ("domain", "ACME.co.uk")]);
        assert_eq!(rules.domains(&both), ["acme.co.uk".into(), Arc::<str>::from("acme.example")]);
        assert_eq!(rules.domains(&traits(&[("website", "facebook.com/acme"), ("domain", "gmail.com")])), []);
        assert_eq!(rules.domains(&traits(&[("website", "https://acme.example"), ("domain", "acme.example")])).len(), 1);
    }
}
