//! What may happen, and how often each.

use proptest::prelude::*;

/// People that a sequence is about. The first two have a record at the CRM from the start.
pub const PEOPLE: usize = 4;

/// The fields that both sides edit, each with another rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edited {
    /// `city`: both ways, the CRM wins.
    CrmWins,
    /// `phone`: both ways, we win.
    CdpWins,
    /// `title`: ours alone.
    Ours,
    /// `country`: the CRM's alone.
    Theirs,
}

impl Edited {
    pub const ALL: [Self; 4] = [Self::CrmWins, Self::CdpWins, Self::Ours, Self::Theirs];

    /// The trait's and the field's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::CrmWins => "city",
            Self::CdpWins => "phone",
            Self::Ours => "title",
            Self::Theirs => "country",
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub enum Trouble {
    LostApplied,
    LostNotApplied,
    Transient,
    Rejected,
    FailedRead,
    FailedPage,
}

#[derive(Clone, Debug)]
pub enum Step {
    RepEdits(usize, Edited),
    WeEdit(usize, Edited),
    RepCreates(usize),
    RepDeletes(usize),
    RepRestores(usize),
    RepMerges(usize, usize),
    Pull,
    Compute,
    Push,
    /// A push whose process is killed before or after the call was applied.
    Crash {
        applied: bool,
    },
    /// A push during whose call a rep edits.
    EditedUnderWay(usize, Edited),
    /// The next call of the kind goes wrong.
    Fault(Trouble),
}

fn edited() -> impl Strategy<Value = Edited> {
    prop::sample::select(&Edited::ALL[..])
}

fn trouble() -> impl Strategy<Value = Trouble> {
    prop_oneof![
        Just(Trouble::LostApplied),
        Just(Trouble::LostNotApplied),
        Just(Trouble::Transient),
        Just(Trouble::Rejected),
        Just(Trouble::FailedRead),
        Just(Trouble::FailedPage),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let who = || 0..PEOPLE;
    prop_oneof![
        6 => (who(), edited()).prop_map(|(who, field)| Step::RepEdits(who, field)),
        6 => (who(), edited()).prop_map(|(who, field)| Step::WeEdit(who, field)),
        1 => who().prop_map(Step::RepCreates),
        2 => who().prop_map(Step::RepDeletes),
        2 => who().prop_map(Step::RepRestores),
        1 => (who(), who()).prop_map(|(into, from)| Step::RepMerges(into, from)),
        5 => Just(Step::Pull),
        1 => Just(Step::Compute),
        5 => Just(Step::Push),
        2 => any::<bool>().prop_map(|applied| Step::Crash { applied }),
        2 => (who(), edited()).prop_map(|(who, field)| Step::EditedUnderWay(who, field)),
        3 => trouble().prop_map(Step::Fault),
    ]
}

pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 4..28)
}
