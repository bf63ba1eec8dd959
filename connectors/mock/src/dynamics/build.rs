//! Column definitions in few words, for the catalogue.

use rust_decimal::Decimal;

use super::kind::Kind;
use super::schema::{Choice, Column, Nav, Required, Ty};

/// What the database can hold in a money column.
const MONEY_MAX: i64 = 922_337_203_685_477;
/// The same for a decimal column.
const DECIMAL_MAX: i64 = 100_000_000_000;

/// A stock column that may be read and written and may be empty.
pub fn column(logical: &str, schema: &str, label: &str, ty: Ty) -> Column {
    let (min, max) = range(ty);
    Column {
        logical: logical.into(),
        schema: schema.to_owned(),
        label: label.to_owned(),
        ty,
        format: String::new(),
        behavior: if ty == Ty::Day { "DateOnly" } else { "UserLocal" },
        max_length: if ty == Ty::Memo { 2_000 } else { 100 },
        min,
        max,
        precision: match ty {
            Ty::Money | Ty::Decimal => 2,
            Ty::Double => 5,
            _ => 0,
        },
        choices: Vec::new(),
        navs: Vec::new(),
        required: Required::None,
        read: true,
        create: true,
        update: true,
        custom: false,
        attribute_of: None,
        base_of: None,
        default: None,
        indexed: ty.is_lookup(),
        secured: false,
        removed: false,
    }
}

/// What a column of the type may hold when nobody says less.
pub fn range(ty: Ty) -> (Decimal, Decimal) {
    let whole = |max: i64| (Decimal::from(-max), Decimal::from(max));
    match ty {
        Ty::Int => (Decimal::from(i32::MIN), Decimal::from(i32::MAX)),
        Ty::BigInt => (Decimal::from(i64::MIN), Decimal::from(i64::MAX)),
        Ty::Money => whole(MONEY_MAX),
        Ty::Decimal | Ty::Double => whole(DECIMAL_MAX),
        _ => whole(0),
    }
}

/// The logical name is the schema name in lower case, always.
fn named(schema: &str, label: &str, ty: Ty) -> Column {
    column(&schema.to_lowercase(), schema, label, ty)
}

pub fn text(schema: &str, label: &str, max_length: usize) -> Column {
    Column { max_length, format: "Text".into(), ..named(schema, label, Ty::Text) }
}

/// A text of a format: `Email`, `Url`, `Phone`.
pub fn formatted(schema: &str, label: &str, max_length: usize, format: &str) -> Column {
    Column { format: format.into(), indexed: format == "Email", ..text(schema, label, max_length) }
}

pub fn memo(schema: &str, label: &str, max_length: usize) -> Column {
    Column { max_length, format: "TextArea".into(), ..named(schema, label, Ty::Memo) }
}

pub fn int(schema: &str, label: &str, min: i64, max: i64) -> Column {
    Column { min: min.into(), max: max.into(), format: "None".into(), ..named(schema, label, Ty::Int) }
}

pub fn decimal(schema: &str, label: &str, precision: u32) -> Column {
    Column { precision, ..named(schema, label, Ty::Decimal) }
}

pub fn flag(schema: &str, label: &str) -> Column {
    let choice = |value, label: &str| Choice { value, label: label.to_owned(), state: 0 };
    Column { choices: vec![choice(0, "No"), choice(1, "Yes")], default: Some(0), ..named(schema, label, Ty::Bool) }
}

pub fn day(schema: &str, label: &str) -> Column {
    Column { format: "DateOnly".into(), ..named(schema, label, Ty::Day) }
}

pub fn instant(schema: &str, label: &str) -> Column {
    Column { format: "DateAndTime".into(), ..named(schema, label, Ty::Instant) }
}

/// A choice numbered from 1 in the order given.
pub fn choice(schema: &str, label: &str, labels: &[&str]) -> Column {
    let numbered = labels.iter().zip(1..);
    let choices = numbered.map(|(label, value)| Choice { value, label: (*label).to_owned(), state: 0 }).collect();
    Column { choices, ..named(schema, label, Ty::Choice) }
}

/// Money and the same in the organisation's own currency.
pub fn money(schema: &str, label: &str) -> [Column; 2] {
    let amount = named(schema, label, Ty::Money);
    let base = Column {
        base_of: Some(amount.logical.to_string()),
        ..named(&format!("{schema}_Base"), &format!("{label} (Base)"), Ty::Money).read_only()
    };
    [amount, base]
}

/// A lookup with one target; its navigation property is spelt as the column is, unless a custom one.
pub fn lookup(schema: &str, label: &str, target: Kind) -> Column {
    let column = named(schema, label, Ty::Lookup);
    let navs = vec![Nav { name: column.logical.to_string(), target }];
    Column { navs, ..column }
}

/// A lookup with several targets: `parentcustomerid_account`, or with `suffix` `regardingobjectid_contact_task`.
pub fn polymorphic(schema: &str, label: &str, ty: Ty, targets: &[Kind], suffix: &str) -> Column {
    let column = named(schema, label, ty);
    let name = |target: &Kind| match suffix {
        "" => format!("{}_{}", column.logical, target.logical()),
        suffix => format!("{}_{}_{suffix}", column.logical, target.logical()),
    };
    let navs = targets.iter().map(|target| Nav { name: name(target), target: *target }).collect();
    Column { navs, ..column }
}

pub fn owner() -> Column {
    let column = named("OwnerId", "Owner", Ty::Owner);
    let nav = |target| Nav { name: "ownerid".to_owned(), target };
    Column { navs: vec![nav(Kind::SystemUser), nav(Kind::Team)], required: Required::System, ..column }
}

/// A state, its label, and the statuses a row in it may have.
pub type State = (i64, &'static str, &'static [(i64, &'static str)]);

/// `statecode` and `statuscode`: every state with the statuses it may have, the first being its default.
pub fn states(all: &[State]) -> [Column; 2] {
    let of = |value: i64, label: &str, state: i64| Choice { value, label: label.to_owned(), state };
    let state = Column {
        choices: all.iter().map(|(value, label, _)| of(*value, label, *value)).collect(),
        required: Required::System,
        default: all.first().map(|(value, ..)| *value),
        create: false,
        ..column("statecode", "StateCode", "Status", Ty::State)
    };
    let statuses = all.iter().flat_map(|(state, _, statuses)| statuses.iter().map(|(v, l)| of(*v, l, *state)));
    let status = Column {
        choices: statuses.collect(),
        default: all.first().and_then(|(_, _, statuses)| statuses.first()).map(|(value, _)| *value),
        ..column("statuscode", "StatusCode", "Status Reason", Ty::Status)
    };
    [state, status]
}

impl Column {
    pub fn required(self) -> Self {
        Self { required: Required::System, ..self }
    }

    pub fn recommended(self) -> Self {
        Self { required: Required::Recommended, ..self }
    }

    pub fn read_only(self) -> Self {
        Self { create: false, update: false, ..self }
    }

    pub fn create_only(self) -> Self {
        Self { update: false, ..self }
    }

    pub fn indexed(self) -> Self {
        Self { indexed: true, ..self }
    }
}

/// The six columns every table begins with, in the order [`super::records`] counts on.
pub fn system_columns(kind: Kind) -> Vec<Column> {
    let names = kind.names();
    let stamp = |schema: &str, label: &str| instant(schema, label).read_only();
    let who = |schema: &str, label: &str| lookup(schema, label, Kind::SystemUser).read_only();
    let spelt = if names.id == "activityid" { "ActivityId".to_owned() } else { format!("{}Id", names.schema) };
    let id = Column { indexed: false, ..column(names.id, &spelt, names.label, Ty::Guid).required().create_only() };
    vec![
        id,
        stamp("CreatedOn", "Created On"),
        who("CreatedBy", "Created By"),
        stamp("ModifiedOn", "Modified On"),
        who("ModifiedBy", "Modified By"),
        named("VersionNumber", "Version Number", Ty::BigInt).read_only(),
    ]
}

/// What is described beside a column and shown in no row: the name a lookup or a choice stands for.
pub fn shadows(columns: &[Column]) -> Vec<Column> {
    let mut shadows = Vec::new();
    for column in columns {
        let shadow = |ending: &str, ty| Column {
            attribute_of: Some(column.logical.to_string()),
            read: true,
            ..self::named(&format!("{}{ending}", column.schema), &column.label, ty).read_only()
        };
        match column.ty {
            Ty::Customer | Ty::Owner => {
                shadows.extend([shadow("Name", Ty::Text), shadow("Type", Ty::EntityName)]);
            }
            Ty::Lookup => shadows.push(shadow("Name", Ty::Text)),
            Ty::Choice | Ty::State | Ty::Status | Ty::Bool => shadows.push(shadow("Name", Ty::Virtual)),
            _ => {}
        }
    }
    shadows
}
