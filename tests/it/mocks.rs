//! Mock CRMs over real HTTP behind words that are the same for each: tests say what a person does, not how a vendor spells it.

#![allow(dead_code, reason = "a kit: tests use what they need")]

use connector::{Object, RecordId, Timestamp};
use ferry::config::Vendor;
use mock_crm::{Options, Running};
use serde_json::{Value as Json, json};

/// One mock CRM with its clock standing still until it is told the time.
pub struct Mock {
    pub vendor: Vendor,
    running: Running,
}

impl Mock {
    /// Starts one without records, quotas per second and lags, at this instant. `options` may name records or exports.
    pub async fn start(vendor: Vendor, at: Timestamp, options: Options) -> Self {
        let mut config = options.config.clone();
        config.insert("rate_limits".into(), false.into());
        config.insert("search_lag_ms".into(), 0.into());
        config.insert("frozen_at".into(), at.to_rfc3339().into());
        let records = options.records.or(Some(0)).filter(|_| options.seed_dir.is_none());
        let options = Options { config, records, ..options };
        let running = match vendor {
            Vendor::Hubspot => mock_crm::hubspot::serve(options).await.unwrap(),
            Vendor::Salesforce => mock_crm::salesforce::serve(options).await.unwrap(),
            Vendor::Dynamics => mock_crm::dynamics::serve(options).await.unwrap(),
            Vendor::Zoho => mock_crm::zoho::serve(options).await.unwrap(),
        };
        Self { vendor, running }
    }

    pub fn url(&self) -> &str {
        self.running.url()
    }

    /// The `[[crm]]` entry that reaches it, named like its type; `more` lines of it.
    pub fn entry(&self, more: &str) -> String {
        let (name, url) = (self.vendor.name(), self.url());
        let own = match self.vendor {
            Vendor::Hubspot => format!("token = {{ env = \"TOKEN\" }}\nbase_url = \"{url}\""),
            Vendor::Salesforce => {
                format!("login_url = \"{url}\"\nclient_id = \"mock-client\"\nclient_secret = {{ env = \"SECRET\" }}")
            }
            Vendor::Dynamics => format!(
                "base_url = \"{url}\"\ntoken_url = \"{url}/acme/oauth2/v2.0/token\"\nclient_id = \"mock-client\"\n\
                 client_secret = {{ env = \"SECRET\" }}"
            ),
            Vendor::Zoho => format!(
                "token_url = \"{url}/oauth/v2/token\"\nbase_url = \"{url}\"\nclient_id = \"mock-client\"\n\
                 client_secret = {{ env = \"SECRET\" }}\nrefresh_token = {{ env = \"REFRESH_TOKEN\" }}"
            ),
        };
        format!("\n[[crm]]\nname = \"{name}\"\ntype = \"{name}\"\n{own}\n{more}\n")
    }

    /// What the vendor calls an object.
    pub fn word(&self, object: &Object) -> &'static str {
        match (self.vendor, object) {
            (Vendor::Hubspot, Object::Contact) => "contacts",
            (Vendor::Hubspot, Object::Company) => "companies",
            (Vendor::Hubspot, Object::Deal) => "deals",
            (Vendor::Salesforce, Object::Contact) => "Contact",
            (Vendor::Salesforce, Object::Lead) => "Lead",
            (Vendor::Salesforce, Object::Company) => "Account",
            (Vendor::Salesforce, Object::Deal) => "Opportunity",
            (Vendor::Dynamics, Object::Contact) => "contact",
            (Vendor::Dynamics, Object::Lead) => "lead",
            (Vendor::Dynamics, Object::Company) => "account",
            (Vendor::Dynamics, Object::Deal) => "opportunity",
            (Vendor::Zoho, Object::Contact) => "Contacts",
            (Vendor::Zoho, Object::Lead) => "Leads",
            (Vendor::Zoho, Object::Company) => "Accounts",
            (Vendor::Zoho, Object::Deal) => "Deals",
            (vendor, object) => panic!("{vendor:?} has no {object}"),
        }
    }

    /// What the vendor calls a trait of a person that its preset maps.
    pub fn field(&self, object: &Object, name: &str) -> &'static str {
        let lines = self.vendor.b2b(object);
        lines.iter().find(|(known, _, _)| *known == name).unwrap_or_else(|| panic!("{name} is not mapped")).1
    }

    /// Something a person does in the CRM.
    pub fn act(&self, action: &str, body: &Json) -> Json {
        let (status, answer) = self.running.control("POST", action, Some(body));
        assert_eq!(status, 200, "{action} {body}: {answer}");
        serde_json::from_str(&answer).unwrap()
    }

    /// Fields by the names of traits, as the vendor's own.
    fn named(&self, object: &Object, traits: &[(&str, &str)]) -> Json {
        traits.iter().map(|(name, value)| (self.field(object, name).to_owned(), Json::from(*value))).collect()
    }

    pub fn create(&self, object: &Object, traits: &[(&str, &str)]) -> RecordId {
        let mut body = json!({ "object": self.word(object), "properties": self.named(object, traits) });
        if matches!(self.vendor, Vendor::Salesforce | Vendor::Zoho) && *object == Object::Lead {
            body["properties"]["Company"] = "Acme".into();
        }
        let made = self.act("edit", &body);
        made["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned().into()
    }

    pub fn edit(&self, object: &Object, id: &RecordId, traits: &[(&str, &str)]) {
        let properties = self.named(object, traits);
        self.act("edit", &json!({ "object": self.word(object), "id": id.as_str(), "properties": properties }));
    }

    pub fn delete(&self, object: &Object, id: &RecordId) {
        self.act("delete", &json!({ "object": self.word(object), "id": id.as_str() }));
    }

    /// Two records become one; says which.
    pub fn merge(&self, object: &Object, survivor: &RecordId, loser: &RecordId) -> RecordId {
        let body = json!({ "object": self.word(object), "primary": survivor.as_str(), "secondary": loser.as_str() });
        let merged = self.act("merge", &body);
        merged["id"].as_str().unwrap_or(survivor.as_str()).to_owned().into()
    }

    /// A lead becomes a contact; says which.
    pub fn convert(&self, lead: &RecordId) -> RecordId {
        let made = self.act("convert", &json!({ "id": lead.as_str() }));
        made["contact"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned().into()
    }

    pub fn set_clock(&self, at: Timestamp) {
        self.configure(&json!({ "frozen_at": at.to_rfc3339() }));
    }

    pub fn configure(&self, patch: &Json) {
        let (status, answer) = self.running.control("PUT", "config", Some(patch));
        assert_eq!(status, 200, "{patch}: {answer}");
    }

    /// What goes wrong next: `{method, path, nth, times, fault}` each.
    pub fn plan(&self, faults: Json) {
        self.configure(&json!({ "plan": faults }));
    }

    /// Every change after the one numbered `since`.
    pub fn ledger(&self, since: u64) -> Vec<Json> {
        lines(&self.running.control("GET", &format!("ledger?since={since}"), None).1)
    }

    /// The changes that Ferry made after the one numbered `since`.
    pub fn written(&self, since: u64) -> Vec<Json> {
        self.ledger(since).into_iter().filter(|line| line["by"] == "api").collect()
    }

    pub fn seq(&self) -> u64 {
        self.ledger(0).last().and_then(|line| line["seq"].as_u64()).unwrap_or(0)
    }

    /// Every request after the one numbered `since`.
    pub fn requests(&self, since: u64) -> Vec<Json> {
        lines(&self.running.control("GET", &format!("requests?since={since}"), None).1)
    }

    pub fn last_request(&self) -> u64 {
        self.requests(0).last().and_then(|line| line["seq"].as_u64()).unwrap_or(0)
    }
}

/// Requests whose method and path are these; `*` stands for anything.
pub fn matching<'a>(requests: &'a [Json], method: &str, path: &str) -> Vec<&'a Json> {
    let pieces: Vec<&str> = path.split('*').collect();
    let fits = |line: &&Json| {
        let mut left = line["path"].as_str().unwrap_or_default();
        let found = pieces.iter().all(|piece| match left.find(piece) {
            Some(at) => {
                left = &left[at + piece.len()..];
                true
            }
            None => false,
        });
        line["method"] == method && found && (left.is_empty() || path.ends_with('*'))
    };
    requests.iter().filter(fits).collect()
}

fn lines(text: &str) -> Vec<Json> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
