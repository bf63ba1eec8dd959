//! Loading a CRM export: accounts become companies with three made-up contacts each, agents become owners, and the
//! pipeline becomes deals with its own dates and stages. Every row is kept: a deal without an account is a deal without
//! an association. Messy spelling is kept too; a CRM holds what people typed.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use super::kind::Kind;
use super::owners;
use super::people::{FIRST, LAST, TITLES};
use super::pipelines::{Pipeline, probability_text};
use super::portal::Portal;
use super::records::View;
use crate::chance::{below, pick};
use crate::clock::{Millis, iso};
use crate::options::StartError;

const CONTACTS_PER_ACCOUNT: u64 = 3;
/// 2016-10-01T00:00:00Z: the accounts of an export carry no date of their own.
const ACCOUNTS_MADE: Millis = 1_475_280_000_000;
const HOUR_MS: Millis = 3_600_000;

type Row = HashMap<String, String>;
type Values = Vec<(&'static str, String)>;

/// What deals refer to.
struct Loaded {
    /// Company ids by account name.
    companies: BTreeMap<String, u64>,
    /// Contact ids by company id.
    contacts: HashMap<u64, Vec<u64>>,
    /// Owner ids by agent name.
    agents: HashMap<String, String>,
}

impl Portal {
    pub fn load_exports(&mut self, folder: &Path) -> Result<(), StartError> {
        let agents = self.load_owners(&read(folder.join("sales_teams.csv"), true)?);
        let companies = self.load_accounts(&read(folder.join("accounts.csv"), true)?);
        let contacts = match read(folder.join("contacts.csv"), false)? {
            rows if rows.is_empty() => self.make_contacts(&companies),
            rows => self.load_contacts(&rows, &companies),
        };
        let file = folder.join("sales_pipeline.csv");
        let rows = read(file.clone(), true)?;
        let loaded = Loaded { companies, contacts, agents };
        for (at, row) in rows.iter().enumerate() {
            self.load_deal(at, row, &loaded)
                .map_err(|why| StartError::Seed { file: file.clone(), why: format!("line {}: {why}", at + 2) })?;
        }
        for table in &mut self.tables {
            table.revision += 1;
        }
        Ok(())
    }

    /// Agents by name to their owner id.
    fn load_owners(&mut self, rows: &[Row]) -> HashMap<String, String> {
        let first = self.owners.len();
        let mut by_name = HashMap::new();
        for (at, row) in rows.iter().enumerate() {
            let name = text(row, "sales_agent");
            let (given, family) = name.split_once(' ').unwrap_or((name, ""));
            let team = format!("{} ({})", text(row, "regional_office"), text(row, "manager"));
            let owner = owners::owner(first + at, given, family, &team, false);
            by_name.insert(name.to_owned(), owner.id.to_string());
            self.owners.push(owner);
        }
        if self.people.contacts == 0 {
            // Nobody but the export's agents works in a portal made from it alone.
            self.owners.drain(..first);
        }
        by_name
    }

    /// Accounts by name to their company id, in the order of the file.
    fn load_accounts(&mut self, rows: &[Row]) -> BTreeMap<String, u64> {
        let mut by_name = BTreeMap::new();
        for (at, row) in rows.iter().enumerate() {
            let name = text(row, "account");
            let millions: rust_decimal::Decimal = text(row, "revenue").parse().unwrap_or_default();
            let revenue = (millions * rust_decimal::Decimal::from(1_000_000)).normalize();
            let values = vec![
                ("name", name.to_owned()),
                ("domain", domain(name)),
                ("sector", text(row, "sector").to_owned()),
                ("founded_year", text(row, "year_established").to_owned()),
                ("annualrevenue", if revenue.is_zero() { String::new() } else { revenue.to_string() }),
                ("numberofemployees", text(row, "employees").to_owned()),
                ("country", text(row, "office_location").to_owned()),
                ("subsidiary_of", text(row, "subsidiary_of").to_owned()),
                ("lifecyclestage", "customer".to_owned()),
            ];
            let id = self.seed_record(Kind::Company, values, ACCOUNTS_MADE + at as Millis * HOUR_MS);
            by_name.insert(name.to_owned(), id);
        }
        by_name
    }

    /// Three people per account. The same account always gets the same three.
    fn make_contacts(&mut self, companies: &BTreeMap<String, u64>) -> HashMap<u64, Vec<u64>> {
        let seed = self.people.seed;
        let mut by_company = HashMap::new();
        for (name, company) in companies {
            let key = *company;
            let start = below(seed, 41, key, FIRST.len() as u64);
            for slot in 0..CONTACTS_PER_ACCOUNT {
                // Eleven apart: three different first names, so three different addresses.
                let first = FIRST.get(((start + slot * 11) % FIRST.len() as u64) as usize).copied().unwrap_or("Ada");
                let last = pick(seed, 42, key * 8 + slot, &LAST);
                let domain = domain(name);
                let values = vec![
                    ("email", format!("{}.{}@{domain}", first.to_lowercase(), last.to_lowercase())),
                    ("firstname", first.to_owned()),
                    ("lastname", last.to_owned()),
                    ("jobtitle", pick(seed, 43, key * 8 + slot, &TITLES).to_owned()),
                    ("phone", format!("+1 555 01{:02}", below(seed, 44, key * 8 + slot, 100))),
                    ("company", name.clone()),
                    ("hs_email_domain", domain.clone()),
                    ("lifecyclestage", "lead".to_owned()),
                ];
                self.seed_contact(values, *company, &mut by_company);
            }
        }
        by_company
    }

    fn load_contacts(&mut self, rows: &[Row], companies: &BTreeMap<String, u64>) -> HashMap<u64, Vec<u64>> {
        let mut by_company = HashMap::new();
        for row in rows {
            let email = text(row, "email").to_lowercase();
            let values = vec![
                ("hs_email_domain", email.split_once('@').map_or("", |(_, domain)| domain).to_owned()),
                ("email", email),
                ("firstname", text(row, "firstname").to_owned()),
                ("lastname", text(row, "lastname").to_owned()),
                ("jobtitle", text(row, "jobtitle").to_owned()),
                ("phone", text(row, "phone").to_owned()),
                ("company", text(row, "account").to_owned()),
                ("lifecyclestage", "lead".to_owned()),
            ];
            let company = companies.get(text(row, "account")).copied().unwrap_or(0);
            self.seed_contact(values, company, &mut by_company);
        }
        by_company
    }

    fn seed_contact(&mut self, mut values: Values, company: u64, by_company: &mut HashMap<u64, Vec<u64>>) {
        if company > 0 {
            values.push(("associatedcompanyid", company.to_string()));
        }
        let at = ACCOUNTS_MADE + (company % 1_000) as Millis * HOUR_MS;
        let id = self.seed_record(Kind::Contact, values, at);
        if company > 0 {
            self.associations.link(&self.people, (Kind::Contact, id, Kind::Company), company, &[1]);
            by_company.entry(company).or_default().push(id);
        }
    }

    fn load_deal(
        &mut self,
        at: usize,
        row: &Row,
        Loaded { companies, contacts, agents }: &Loaded,
    ) -> Result<(), String> {
        let pipeline = Pipeline::seeded();
        let label = text(row, "deal_stage");
        let stage = pipeline.stage_by_label(label).ok_or_else(|| format!("unknown deal_stage `{label}`"))?;
        let (engaged, closed) = (day(text(row, "engage_date"))?, day(text(row, "close_date"))?);
        let (account, product) = (text(row, "account"), text(row, "product"));
        let amount = text(row, "close_value");
        if !amount.is_empty() && amount.parse::<rust_decimal::Decimal>().is_err() {
            return Err(format!("close_value `{amount}` is not a number"));
        }
        let name = if account.is_empty() { product.to_owned() } else { format!("{account} – {product}") };
        let mut values = vec![
            ("dealname", format!("{name} ({})", text(row, "opportunity_id"))),
            ("pipeline", pipeline.id.clone()),
            ("dealstage", stage.id.clone()),
            ("product", product.to_owned()),
            ("amount", amount.to_owned()),
            ("amount_in_home_currency", amount.to_owned()),
            ("deal_currency_code", "USD".to_owned()),
            ("hubspot_owner_id", agents.get(text(row, "sales_agent")).cloned().unwrap_or_default()),
            ("hs_is_closed", stage.closed.to_string()),
            ("hs_is_closed_won", stage.won().to_string()),
            ("hs_deal_stage_probability", probability_text(stage.probability)),
            ("hs_closed_amount", if stage.won() { amount.to_owned() } else { "0".to_owned() }),
        ];
        // Open deals have no close date, and get none.
        values.extend(closed.filter(|_| stage.closed).map(|at| ("closedate", iso(at))));
        let made = engaged.or(closed).unwrap_or(ACCOUNTS_MADE + at as Millis * 60_000);
        let id = self.seed_record(Kind::Deal, values, made);
        let entered = if stage.closed { closed } else { engaged };
        if let (Some(entered), Some(mut view)) = (entered, self.live(Kind::Deal, id).map(|seen| seen.to_view())) {
            view.values.insert(format!("hs_v2_date_entered_{}", stage.id).into(), iso(entered).into());
            view.modified = entered.max(made);
            let modified = view.modified;
            self.table_mut(Kind::Deal).put(id, view, modified, modified);
        }
        if let Some(company) = companies.get(account) {
            self.associations.link(&self.people, (Kind::Deal, id, Kind::Company), *company, &[5]);
            let people = contacts.get(company).map(Vec::as_slice).unwrap_or_default();
            let chosen = below(self.people.seed, 45, at as u64, people.len() as u64) as usize;
            if let Some(contact) = people.get(chosen) {
                self.associations.link(&self.people, (Kind::Deal, id, Kind::Contact), *contact, &[3]);
            }
        }
        Ok(())
    }

    /// Stores a record as if it had always been there: no ledger line, visible to search at once.
    fn seed_record(&mut self, kind: Kind, values: Values, at: Millis) -> u64 {
        let id = self.table_mut(kind).fresh_id();
        let mut view = View { created: at, modified: at, ..View::default() };
        for (name, value) in values.into_iter().filter(|(_, value)| !value.is_empty()) {
            let name = self.schema(kind).name(name).unwrap_or_else(|| name.into());
            view.values.insert(name, value.into());
        }
        self.claim_unique(kind, id, &view);
        self.table_mut(kind).put(id, view, at, at);
        id
    }
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
