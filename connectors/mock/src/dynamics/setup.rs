//! What a new org has before anybody writes: users, currencies, publishers, the messages tables answer to.

use rust_decimal::Decimal;

use super::datum::Datum;
use super::guid::Guid;
use super::kind::Kind;
use super::org::Org;
use super::records::Row;
use crate::clock::Millis;
use crate::crowd::agent_email;
use crate::desk::Core;
use crate::people::AGENTS;

/// The application user the integration signs in as, and whoever made what nobody else did.
pub const SYNC_USER: Guid = Guid::made(Kind::SystemUser, 1);
pub const DEFAULT_OWNER: Guid = Guid::made(Kind::SystemUser, 2);
/// The number of the first of those who sell.
pub const FIRST_REP: u64 = 101;
pub const ORGANIZATION: Guid = Guid::made(Kind::Organization, 1);
pub const ROOT_UNIT: Guid = Guid::made(Kind::BusinessUnit, 1);
pub const ROOT_TEAM: Guid = Guid::made(Kind::Team, 1);
/// The organisation's own currency.
pub const DOLLAR: Guid = Guid::made(Kind::TransactionCurrency, 1);
/// `applicationid` of the integration.
pub const APPLICATION: Guid = Guid(0xaaaa_0000_0000_4000_8000_0000_0000_0001);

/// 2010-01-01T00:00:00Z: older than any record of an export.
const FOUNDED: Millis = 1_262_304_000_000;
pub const BULK_MESSAGES: [&str; 3] = ["CreateMultiple", "UpdateMultiple", "UpsertMultiple"];

type Cell<'a> = (&'a str, Datum);

/// Puts the first rows in, without a ledger line: they were always there.
pub fn furnish(org: &mut Org, core: &Core) {
    let text = |text: &str| Datum::text(text);
    let unit = Datum::Ref(Kind::BusinessUnit, ROOT_UNIT);
    let organization = [
        ("name", text("acme")),
        ("basecurrencyid", Datum::Ref(Kind::TransactionCurrency, DOLLAR)),
        ("expirechangetrackingindays", Datum::Int(7)),
        ("languagecode", Datum::Int(1033)),
    ];
    place(org, core, Kind::Organization, ORGANIZATION, &organization);
    place(org, core, Kind::BusinessUnit, ROOT_UNIT, &[("name", text("acme"))]);
    place(org, core, Kind::Team, ROOT_TEAM, &[("name", text("acme")), ("businessunitid", unit.clone())]);
    for (number, name, code, symbol, rate) in
        [(1, "US Dollar", "USD", "$", Decimal::ONE), (2, "Euro", "EUR", "€", Decimal::new(8, 1))]
    {
        let cells = [
            ("currencyname", text(name)),
            ("isocurrencycode", text(code)),
            ("currencysymbol", text(symbol)),
            ("exchangerate", Datum::Number(rate)),
            ("currencyprecision", Datum::Int(2)),
        ];
        place(org, core, Kind::TransactionCurrency, Guid::made(Kind::TransactionCurrency, number), &cells);
    }
    let application = [("applicationid", Datum::Guid(APPLICATION)), ("businessunitid", unit.clone())];
    let sync = user("sync@acme.example", "#", "Ferry Sync");
    place(org, core, Kind::SystemUser, SYNC_USER, &[&sync[..], &application[..]].concat());
    place(org, core, Kind::SystemUser, DEFAULT_OWNER, &user("admin@acme.example", "System", "Administrator"));
    for (number, name, label, prefix, options, managed) in [
        (1, "DefaultPublisheracme", "Default Publisher for acme", "new", 10_000, false),
        (2, "MicrosoftDynamics", "Microsoft Dynamics 365", "msdyn", 19_235, true),
        (3, "ferry", "Ferry", "ferry", 24_000, false),
    ] {
        let cells = [
            ("uniquename", text(name)),
            ("friendlyname", text(label)),
            ("customizationprefix", text(prefix)),
            ("customizationoptionvalueprefix", Datum::Int(options)),
            ("isreadonly", Datum::Bool(managed)),
        ];
        place(org, core, Kind::Publisher, Guid::made(Kind::Publisher, number), &cells);
    }
    let mut filter = 0;
    for (message, at) in BULK_MESSAGES.iter().zip(1..) {
        let id = Guid::made(Kind::SdkMessage, at);
        place(org, core, Kind::SdkMessage, id, &[("name", text(message))]);
        for kind in Kind::ALL.into_iter().filter(|kind| kind.has_bulk()) {
            filter += 1;
            let cells =
                [("sdkmessageid", Datum::Ref(Kind::SdkMessage, id)), ("primaryobjecttypecode", text(kind.logical()))];
            place(org, core, Kind::SdkMessageFilter, Guid::made(Kind::SdkMessageFilter, filter), &cells);
        }
    }
}

/// The sales people of every mock; the last has left.
pub fn hire(org: &mut Org, core: &Core) {
    for (at, (first, last)) in AGENTS.iter().enumerate() {
        let id = Guid::made(Kind::SystemUser, FIRST_REP + at as u64);
        let active = at + 1 < AGENTS.len();
        let mut cells = user(&agent_email(first, last), first, last).to_vec();
        cells.push(("isdisabled", Datum::Bool(!active)));
        place(org, core, Kind::SystemUser, id, &cells);
        if active {
            org.reps.push(id);
        }
    }
}

impl Org {
    /// The first of those who sell; the administrator where nobody does.
    pub fn first_rep(&self) -> Guid {
        self.reps.first().copied().unwrap_or(DEFAULT_OWNER)
    }
}

pub fn user<'a>(address: &str, first: &str, last: &str) -> [Cell<'a>; 5] {
    [
        ("domainname", Datum::text(address)),
        ("internalemailaddress", Datum::text(address)),
        ("firstname", Datum::text(first)),
        ("lastname", Datum::text(last)),
        ("businessunitid", Datum::Ref(Kind::BusinessUnit, ROOT_UNIT)),
    ]
}

fn place(org: &mut Org, core: &Core, kind: Kind, id: Guid, cells: &[Cell<'_>]) {
    org.seed(core, kind, id, Row::new(FOUNDED, DEFAULT_OWNER), cells);
}

impl Org {
    /// Stores a row as if it had always been there: no ledger line, visible at once.
    pub fn seed(&mut self, core: &Core, kind: Kind, id: Guid, mut row: Row, cells: &[Cell<'_>]) {
        for (name, datum) in cells.iter().filter(|(_, datum)| !datum.is_null()) {
            if let Some((column, _)) = self.schema(kind).column(name) {
                row.set(column, datum.clone());
            }
        }
        self.version += 1;
        row.version = self.version;
        let stamp = row.modified;
        self.put(core, kind, id, row, stamp);
    }
}
