//! A CRM export as CSV, the same facts for every mock: accounts with three made-up people each, agents, and a pipeline of
//! deals with its own dates and stages. Every row is kept: a deal without an account is a deal that belongs to nobody.
//! Messy spelling is kept too; a CRM holds what people typed.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use rust_decimal::Decimal;

use crate::chance::{below, pick};
use crate::clock::Millis;
use crate::options::StartError;
use crate::people::{FIRST, LAST, TITLES};

const PEOPLE_PER_ACCOUNT: u64 = 3;
/// 2016-10-01T00:00:00Z: the accounts of an export carry no date of their own.
const ACCOUNTS_MADE: Millis = 1_475_280_000_000;
const HOUR_MS: Millis = 3_600_000;
/// What the draws for an account's people count from.
const FIRST_KEY: u64 = 20_000_000_001;

type Row = HashMap<String, String>;

pub struct Export {
    pub accounts: Vec<Account>,
    pub agents: Vec<Agent>,
    pub people: Vec<Person>,
    pub deals: Vec<Deal>,
}

pub struct Account {
    pub name: String,
    pub domain: String,
    pub sector: String,
    pub founded: String,
    /// A year's revenue in dollars; empty when the export has none.
    pub revenue: String,
    pub employees: String,
    pub country: String,
    pub subsidiary_of: String,
    pub made: Millis,
}

pub struct Agent {
    pub name: String,
    pub office: String,
    pub manager: String,
}

impl Agent {
    /// First name, and the rest.
    pub fn names(&self) -> (&str, &str) {
        self.name.split_once(' ').unwrap_or((&self.name, ""))
    }
}

pub struct Person {
    /// Position of the account.
    pub account: Option<usize>,
    /// What the export calls the account, known or not.
    pub firm: String,
    pub email: String,
    pub first: String,
    pub last: String,
    pub title: String,
    pub phone: String,
    pub made: Millis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Prospecting,
    Engaging,
    Won,
    Lost,
}

impl Stage {
    pub fn label(self) -> &'static str {
        match self {
            Self::Prospecting => "Prospecting",
            Self::Engaging => "Engaging",
            Self::Won => "Won",
            Self::Lost => "Lost",
        }
    }

    pub fn closed(self) -> bool {
        matches!(self, Self::Won | Self::Lost)
    }

    fn parse(label: &str) -> Option<Self> {
        [Self::Prospecting, Self::Engaging, Self::Won, Self::Lost].into_iter().find(|stage| stage.label() == label)
    }
}

pub struct Deal {
    pub name: String,
    pub product: String,
    pub stage: Stage,
    /// As exported; empty while nobody knows.
    pub amount: String,
    pub engaged: Option<Millis>,
    pub closed: Option<Millis>,
    pub made: Millis,
    /// Positions of the account, of one of its people, and of the agent.
    pub account: Option<usize>,
    pub person: Option<usize>,
    pub agent: Option<usize>,
}

impl Deal {
    /// When the deal came to its stage.
    pub fn entered(&self) -> Option<Millis> {
        if self.stage.closed() { self.closed } else { self.engaged }
    }
}

impl Export {
    /// Reads `accounts.csv`, `sales_teams.csv`, `sales_pipeline.csv` and, if it is there, `contacts.csv`. The seed decides
    /// the people of accounts that come without any.
    pub fn read(folder: &Path, seed: u64) -> Result<Self, StartError> {
        let agents: Vec<Agent> = read(folder.join("sales_teams.csv"), true)?.iter().map(agent).collect();
        let accounts: Vec<Account> =
            read(folder.join("accounts.csv"), true)?.iter().enumerate().map(|(at, row)| account(at, row)).collect();
        let by_name: BTreeMap<&str, usize> =
            accounts.iter().enumerate().map(|(at, account)| (account.name.as_str(), at)).collect();
        let people = match read(folder.join("contacts.csv"), false)? {
            rows if rows.is_empty() => invented(&accounts, &by_name, seed),
            rows => rows.iter().map(|row| person(row, &by_name)).collect(),
        };
        let file = folder.join("sales_pipeline.csv");
        let mut deals = Vec::new();
        let agent_names: HashMap<&str, usize> =
            agents.iter().enumerate().map(|(at, agent)| (agent.name.as_str(), at)).collect();
        let mut colleagues: HashMap<usize, Vec<usize>> = HashMap::new();
        for (at, person) in people.iter().enumerate() {
            if let Some(account) = person.account {
                colleagues.entry(account).or_default().push(at);
            }
        }
        for (at, row) in read(file.clone(), true)?.iter().enumerate() {
            let mut deal = deal(at, row)
                .map_err(|why| StartError::Seed { file: file.clone(), why: format!("line {}: {why}", at + 2) })?;
            deal.agent = agent_names.get(text(row, "sales_agent")).copied();
            deal.account = by_name.get(text(row, "account")).copied();
            let staff = deal.account.and_then(|account| colleagues.get(&account)).map_or(&[][..], Vec::as_slice);
            deal.person = staff.get(below(seed, 45, at as u64, staff.len() as u64) as usize).copied();
            deals.push(deal);
        }
        Ok(Self { accounts, agents, people, deals })
    }
}

fn agent(row: &Row) -> Agent {
    let own = |key: &str| text(row, key).to_owned();
    Agent { name: own("sales_agent"), office: own("regional_office"), manager: own("manager") }
}

fn account(at: usize, row: &Row) -> Account {
    let own = |key: &str| text(row, key).to_owned();
    let millions: Decimal = text(row, "revenue").parse().unwrap_or_default();
    let revenue = (millions * Decimal::from(1_000_000)).normalize();
    Account {
        name: own("account"),
        domain: domain(text(row, "account")),
        sector: own("sector"),
        founded: own("year_established"),
        revenue: if revenue.is_zero() { String::new() } else { revenue.to_string() },
        employees: own("employees"),
        country: own("office_location"),
        subsidiary_of: own("subsidiary_of"),
        made: ACCOUNTS_MADE + at as Millis * HOUR_MS,
    }
}

/// Three people per account, in the order of the accounts' names. The same account always gets the same three.
fn invented(accounts: &[Account], by_name: &BTreeMap<&str, usize>, seed: u64) -> Vec<Person> {
    let mut people = Vec::new();
    for (account, at) in by_name.values().filter_map(|at| accounts.get(*at).map(|account| (account, *at))) {
        let key = FIRST_KEY + at as u64;
        let start = below(seed, 41, key, FIRST.len() as u64);
        for slot in 0..PEOPLE_PER_ACCOUNT {
            // Eleven apart: three different first names, so three different addresses.
            let first = FIRST.get(((start + slot * 11) % FIRST.len() as u64) as usize).copied().unwrap_or("Ada");
            let last = pick(seed, 42, key * 8 + slot, &LAST);
            people.push(Person {
                account: Some(at),
                firm: account.name.clone(),
                email: format!("{}.{}@{}", first.to_lowercase(), last.to_lowercase(), account.domain),
                first: first.to_owned(),
                last: last.to_owned(),
                title: pick(seed, 43, key * 8 + slot, &TITLES).to_owned(),
                phone: format!("+1 555 01{:02}", below(seed, 44, key * 8 + slot, 100)),
                made: staff_made(Some(at)),
            });
        }
    }
    people
}

fn person(row: &Row, by_name: &BTreeMap<&str, usize>) -> Person {
    let own = |key: &str| text(row, key).to_owned();
    let account = by_name.get(text(row, "account")).copied();
    Person {
        account,
        firm: own("account"),
        email: text(row, "email").to_lowercase(),
        first: own("firstname"),
        last: own("lastname"),
        title: own("jobtitle"),
        phone: own("phone"),
        made: staff_made(account),
    }
}

/// People join an hour after their account was made.
fn staff_made(account: Option<usize>) -> Millis {
    ACCOUNTS_MADE + account.map_or(0, |at| (at as Millis + 1) % 1_000) * HOUR_MS
}

fn deal(at: usize, row: &Row) -> Result<Deal, String> {
    let label = text(row, "deal_stage");
    let stage = Stage::parse(label).ok_or_else(|| format!("unknown deal_stage `{label}`"))?;
    let (engaged, closed) = (day(text(row, "engage_date"))?, day(text(row, "close_date"))?);
    let (account, product, amount) = (text(row, "account"), text(row, "product"), text(row, "close_value"));
    if !amount.is_empty() && amount.parse::<Decimal>().is_err() {
        return Err(format!("close_value `{amount}` is not a number"));
    }
    let name = if account.is_empty() { product.to_owned() } else { format!("{account} – {product}") };
    Ok(Deal {
        name: format!("{name} ({})", text(row, "opportunity_id")),
        product: product.to_owned(),
        stage,
        amount: amount.to_owned(),
        engaged,
        closed,
        made: engaged.or(closed).unwrap_or(ACCOUNTS_MADE + at as Millis * 60_000),
        account: None,
        person: None,
        agent: None,
    })
}

/// `Acme Corporation` → `acmecorporation.example`.
fn domain(account: &str) -> String {
    let word: String = account.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("{}.example", word.to_lowercase())
}

fn text<'a>(row: &'a Row, key: &str) -> &'a str {
    row.get(key).map_or("", |value| value.trim())
}

/// A day-month-two-digit-year date as the export writes it (`20-10-16`), or an ISO one; nothing when empty.
fn day(text: &str) -> Result<Option<Millis>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let date = chrono::NaiveDate::parse_from_str(text, "%d-%m-%y")
        .or_else(|_| chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d"))
        .map_err(|_| format!("`{text}` is not a date like 20-10-16"))?;
    Ok(date.and_hms_opt(0, 0, 0).map(|at| at.and_utc().timestamp_millis()))
}

fn read(file: PathBuf, required: bool) -> Result<Vec<Row>, StartError> {
    if !required && !file.exists() {
        return Ok(Vec::new());
    }
    let fail = |why: csv::Error| StartError::Seed { file: file.clone(), why: why.to_string() };
    let mut reader = csv::Reader::from_path(&file).map_err(fail)?;
    reader.deserialize().collect::<Result<_, _>>().map_err(fail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::iso;

    #[test]
    fn export_dates_are_day_month_year() {
        assert_eq!(day("20-10-16").unwrap().map(iso).as_deref(), Some("2016-10-20T00:00:00.000Z"));
        assert_eq!(day("").unwrap(), None);
        assert!(day("10/20/16").unwrap_err().contains("not a date"));
    }

    #[test]
    fn an_account_becomes_a_domain() {
        assert_eq!(domain("Gekko & Co"), "gekkoco.example");
        assert_eq!(domain("Kan-code"), "kancode.example");
    }
}
