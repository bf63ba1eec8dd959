//! Qualifying a lead: it becomes a contact of an account, perhaps with a deal, and stays as what it was.

use super::datum::Datum;
use super::guid::Guid;
use super::kind::Kind;
use super::org::Org;
use super::payload::Given;
use super::pen::Pen;
use super::refusal::Refusal;
use crate::desk::Core;
use crate::versions::Sight;

const TO_CONTACT: [(&str, &str); 14] = [
    ("firstname", "firstname"),
    ("lastname", "lastname"),
    ("emailaddress1", "emailaddress1"),
    ("emailaddress2", "emailaddress2"),
    ("telephone1", "telephone1"),
    ("mobilephone", "mobilephone"),
    ("jobtitle", "jobtitle"),
    ("address1_line1", "address1_line1"),
    ("address1_city", "address1_city"),
    ("address1_stateorprovince", "address1_stateorprovince"),
    ("address1_postalcode", "address1_postalcode"),
    ("address1_country", "address1_country"),
    ("donotemail", "donotemail"),
    ("ownerid", "ownerid"),
];
const TO_ACCOUNT: [(&str, &str); 9] = [
    ("companyname", "name"),
    ("telephone1", "telephone1"),
    ("websiteurl", "websiteurl"),
    ("industrycode", "industrycode"),
    ("numberofemployees", "numberofemployees"),
    ("revenue", "revenue"),
    ("address1_city", "address1_city"),
    ("address1_country", "address1_country"),
    ("ownerid", "ownerid"),
];

/// What a qualification makes, or joins.
#[derive(Debug, Default)]
pub struct Qualify {
    pub account: bool,
    pub contact: bool,
    pub opportunity: bool,
    pub status: i64,
    /// Rows there are already.
    pub into_account: Option<Guid>,
    pub into_contact: Option<Guid>,
    pub opportunity_name: Option<String>,
    /// Columns of the lead whose values go to columns of the contact, as an admin's mapping does.
    pub map: Vec<(String, String)>,
}

#[derive(Debug, Default)]
pub struct Made {
    pub account: Option<Guid>,
    pub contact: Option<Guid>,
    pub opportunity: Option<Guid>,
}

impl Made {
    pub fn rows(&self) -> impl Iterator<Item = (Kind, Guid)> {
        let all = [(Kind::Account, self.account), (Kind::Contact, self.contact), (Kind::Opportunity, self.opportunity)];
        all.into_iter().filter_map(|(kind, id)| Some((kind, id?)))
    }
}

impl Org {
    /// # Errors
    /// 404 for no such lead, 400 for one that is closed, or what refuses a row that is made.
    pub fn qualify(&mut self, core: &mut Core, pen: &Pen, lead: Guid, wanted: &Qualify) -> Result<Made, Refusal> {
        let row = self.row(Kind::Lead, lead, Sight::Latest).ok_or_else(|| Refusal::no_row("lead", lead))?;
        if row.int("statecode") != 0 {
            return Err(Refusal::new(400, "0x80040300", "The lead is already closed."));
        }
        let pen = &Pen { system: true, ..*pen };
        let mut made = Made { account: wanted.into_account, contact: wanted.into_contact, opportunity: None };
        if made.account.is_none() && wanted.account {
            let given = self.copied(lead, Kind::Account, &TO_ACCOUNT);
            made.account = Some(self.insert(core, pen, Kind::Account, given)?);
        }
        let lookup = |kind: Kind, id: Option<Guid>| id.map_or(Datum::Null, |id| Datum::Ref(kind, id));
        let map: Vec<(&str, &str)> = wanted.map.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
        let mut mapped = self.copied(lead, Kind::Contact, &map);
        if let Some(contact) = made.contact {
            if let Some(account) = made.account {
                self.give(Kind::Contact, &mut mapped, "parentcustomerid", Datum::Ref(Kind::Account, account));
            }
            self.update(core, pen, Kind::Contact, contact, mapped)?;
        } else if wanted.contact {
            let mut given = self.copied(lead, Kind::Contact, &TO_CONTACT);
            given.cells.extend(mapped.cells);
            self.give(Kind::Contact, &mut given, "parentcustomerid", lookup(Kind::Account, made.account));
            self.give(Kind::Contact, &mut given, "originatingleadid", Datum::Ref(Kind::Lead, lead));
            made.contact = Some(self.insert(core, pen, Kind::Contact, given)?);
        }
        if wanted.opportunity {
            made.opportunity = Some(self.deal_of(core, pen, lead, wanted, &made)?);
        }
        self.settle_lead(core, pen, lead, wanted, &made)?;
        Ok(made)
    }

    fn deal_of(
        &mut self,
        core: &mut Core,
        pen: &Pen,
        lead: Guid,
        wanted: &Qualify,
        made: &Made,
    ) -> Result<Guid, Refusal> {
        let mut given = self.copied(lead, Kind::Opportunity, &[("subject", "name"), ("ownerid", "ownerid")]);
        if let Some(name) = &wanted.opportunity_name {
            self.give(Kind::Opportunity, &mut given, "name", Datum::text(name));
        }
        let customer = made.account.map(|id| (Kind::Account, id)).or(made.contact.map(|id| (Kind::Contact, id)));
        if let Some((kind, id)) = customer {
            self.give(Kind::Opportunity, &mut given, "customerid", Datum::Ref(kind, id));
        }
        for (name, kind, id) in [
            ("parentaccountid", Kind::Account, made.account),
            ("parentcontactid", Kind::Contact, made.contact),
            ("originatingleadid", Kind::Lead, Some(lead)),
        ] {
            if let Some(id) = id {
                self.give(Kind::Opportunity, &mut given, name, Datum::Ref(kind, id));
            }
        }
        self.insert(core, pen, Kind::Opportunity, given)
    }

    /// The lead stays, qualified, and says what became of it. What it was about moves along.
    fn settle_lead(
        &mut self,
        core: &mut Core,
        pen: &Pen,
        lead: Guid,
        wanted: &Qualify,
        made: &Made,
    ) -> Result<(), Refusal> {
        let mut given = Given::default();
        let status = if wanted.status == -1 || wanted.status == 0 { 3 } else { wanted.status };
        for (name, datum) in [
            ("statecode", Some(Datum::Int(1))),
            ("statuscode", Some(Datum::Int(status))),
            ("parentaccountid", made.account.map(|id| Datum::Ref(Kind::Account, id))),
            ("parentcontactid", made.contact.map(|id| Datum::Ref(Kind::Contact, id))),
            ("qualifyingopportunityid", made.opportunity.map(|id| Datum::Ref(Kind::Opportunity, id))),
        ] {
            if let Some(datum) = datum {
                self.give(Kind::Lead, &mut given, name, datum);
            }
        }
        self.settle_state(pen, Kind::Lead, Some(lead), &mut given)?;
        let row = self.row(Kind::Lead, lead, Sight::Latest).ok_or_else(|| Refusal::no_row("lead", lead))?.to_row();
        self.store(core, pen, "convert", (Kind::Lead, lead), row, given.cells);
        Ok(())
    }

    pub fn give(&self, kind: Kind, given: &mut Given, name: &str, datum: Datum) {
        if let Some((column, _)) = self.schema(kind).column(name) {
            given.set(column, datum);
        }
    }

    /// The lead's values under the names another table has for them.
    fn copied(&self, lead: Guid, kind: Kind, names: &[(&str, &str)]) -> Given {
        let mut given = Given::default();
        let Some(row) = self.row(Kind::Lead, lead, Sight::Latest) else { return given };
        for (from, to) in names {
            let datum = row.named(from);
            if !datum.is_null() {
                self.give(kind, &mut given, to, datum);
            }
        }
        given
    }
}
