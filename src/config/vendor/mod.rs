//! What only one kind of CRM has in its `[[crm]]` entry: the types there are, each with its own keys, presets and example in
//! a file of its own. Beside the registry of connectors the only place of the program that knows a vendor by name.

mod dynamics;
mod hubspot;
mod salesforce;
mod spelling;
pub(super) mod url;
mod zoho;

use std::path::Path;

use connector::{Object, Secret};

use crate::config::diagnostic::Diagnostic;
use crate::config::mask::quoted;
use crate::config::reader::{Bad, Reader};
use crate::config::secret::secret;
use crate::config::settings::ClientId;
use crate::config::tree::{Node, Value};
use crate::config::value;
use crate::expr::nearest;

pub use dynamics::{DynamicsCredential, DynamicsSettings};
pub use hubspot::{HubspotAuth, HubspotSettings};
pub use salesforce::{SalesforceFlow, SalesforceSettings};
pub use zoho::{ZohoPlace, ZohoSettings};

/// The types of CRM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vendor {
    Hubspot,
    Salesforce,
    Dynamics,
    Zoho,
}

/// A CRM's own settings, by `type`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VendorSettings {
    Hubspot(HubspotSettings),
    Salesforce(SalesforceSettings),
    Dynamics(DynamicsSettings),
    Zoho(ZohoSettings),
}

/// How a preset maps a trait: the default of the trait's source, or something else.
#[derive(Clone, Copy, Debug)]
pub enum As {
    Default,
    Pull,
    FillIfEmpty,
}

/// A line of a preset's table: the trait, the CRM's field, how.
pub type PresetLine = (&'static str, &'static str, As);

/// Everything the configuration knows of one type.
struct Kind {
    name: &'static str,
    /// The keys only this type has.
    keys: &'static [&'static str],
    /// Objects whose fields can be mapped, in the order they are pulled and shown.
    objects: &'static [Object],
    /// The field that holds the profile's id on every object of people.
    key_field: &'static str,
    /// Whether a digest may be a note there.
    notes: bool,
    /// What the names of our own fields begin with, where they carry a prefix that a connection may change.
    prefix: Option<&'static str>,
    /// Reads what one of its lists is called by.
    list: fn(&Node) -> Result<String, Bad>,
    /// One, as it is written.
    list_example: &'static str,
    /// The preset `b2b`.
    b2b: fn(&Object) -> &'static [PresetLine],
    /// The entry that `ferry init` writes.
    example: &'static str,
}

impl Vendor {
    pub const ALL: [Self; 4] = [Self::Hubspot, Self::Salesforce, Self::Dynamics, Self::Zoho];

    fn kind(self) -> &'static Kind {
        match self {
            Self::Hubspot => &hubspot::KIND,
            Self::Salesforce => &salesforce::KIND,
            Self::Dynamics => &dynamics::KIND,
            Self::Zoho => &zoho::KIND,
        }
    }

    /// The word in `type = "…"`.
    pub fn name(self) -> &'static str {
        self.kind().name
    }

    /// Whether Ferry writes notes there.
    pub fn writes_notes(self) -> bool {
        self.kind().notes
    }

    /// The type called so.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|vendor| vendor.name() == name)
    }

    /// The keys only this type has.
    pub fn keys(self) -> &'static [&'static str] {
        self.kind().keys
    }

    /// Objects whose fields can be mapped, in the order they are pulled and shown.
    pub fn objects(self) -> &'static [Object] {
        self.kind().objects
    }

    /// Whether a contact can have a lead object beside it, which is no record of a person.
    pub fn has_lead_objects(self) -> bool {
        self == Self::Hubspot
    }

    /// The field that holds the profile's id on every object of people.
    pub fn key_field(self) -> &'static str {
        self.kind().key_field
    }

    /// A field of ours as it is called where our fields carry this prefix; other fields as they are.
    pub fn with_prefix(self, field: &str, prefix: Option<&str>) -> String {
        match self.kind().prefix.zip(prefix).and_then(|(usual, prefix)| Some((field.strip_prefix(usual)?, prefix))) {
            Some((name, prefix)) => format!("{prefix}_{name}"),
            None => field.to_owned(),
        }
    }

    /// Reads what a list that people are put on is called by there.
    pub fn list(self, node: &Node) -> Result<String, Bad> {
        (self.kind().list)(node)
    }

    /// One, as it is written.
    pub fn list_example(self) -> &'static str {
        self.kind().list_example
    }

    /// What the preset `b2b` maps of an object.
    pub fn b2b(self, object: &Object) -> &'static [PresetLine] {
        (self.kind().b2b)(object)
    }

    /// A `[[crm]]` entry to begin with.
    pub fn example(self) -> &'static str {
        self.kind().example
    }

    pub fn read(self, table: &Reader<'_>, folder: &Path) -> Option<VendorSettings> {
        match self {
            Self::Hubspot => hubspot::read(table, folder).map(VendorSettings::Hubspot),
            Self::Salesforce => salesforce::read(table, folder).map(VendorSettings::Salesforce),
            Self::Dynamics => dynamics::read(table, folder).map(VendorSettings::Dynamics),
            Self::Zoho => zoho::read(table, folder).map(VendorSettings::Zoho),
        }
    }
}

impl VendorSettings {
    pub fn vendor(&self) -> Vendor {
        match self {
            Self::Hubspot(_) => Vendor::Hubspot,
            Self::Salesforce(_) => Vendor::Salesforce,
            Self::Dynamics(_) => Vendor::Dynamics,
            Self::Zoho(_) => Vendor::Zoho,
        }
    }

    /// The word in `type = "…"`.
    pub fn kind(&self) -> &'static str {
        self.vendor().name()
    }

    /// The prefix that our own fields carry there.
    pub fn prefix(&self) -> Option<&str> {
        match self {
            Self::Dynamics(settings) => Some(&settings.publisher_prefix),
            Self::Hubspot(_) | Self::Salesforce(_) | Self::Zoho(_) => None,
        }
    }

    /// Every secret the connection needs, to be tried when the daemon starts.
    pub fn secrets(&self) -> Vec<&Secret> {
        match self {
            Self::Hubspot(settings) => settings.secrets(),
            Self::Salesforce(settings) => settings.secrets(),
            Self::Dynamics(settings) => settings.secrets(),
            Self::Zoho(settings) => settings.secrets(),
        }
    }
}

/// Types this version speaks to, as messages list them.
pub fn types() -> String {
    Vendor::ALL.map(Vendor::name).join(", ")
}

/// Reads `type`.
pub fn kind(node: &Node) -> Result<Vendor, Bad> {
    let word = value::text(node)?;
    let one_of = format!("one of: {}", types());
    match Vendor::named(&word) {
        Some(vendor) => Ok(vendor),
        None => Err(Bad::Value(
            Diagnostic::new("E011", format!("unknown CRM type {}", quoted(&word)))
                .suggest(nearest(&word, Vendor::ALL.map(Vendor::name)))
                .help(one_of),
        )),
    }
}

/// An application's id: written in the file, or kept where secrets are.
fn client_id(folder: &Path) -> impl Fn(&Node) -> Result<ClientId, Bad> + '_ {
    move |node| match &node.value {
        Value::Text(_) => value::filled_text(node).map(ClientId::Written),
        _ => secret("client_id", folder)(node).map(ClientId::Kept),
    }
}
