//! Which rows say how it ended, and how: the column that is to be predicted, as yes and no.

use super::table::{Cell, Column, Data};

/// The rows that count, and what each says.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Rows of the table with an answer, ascending.
    pub rows: Vec<u32>,
    /// By place in `rows`.
    pub labels: Vec<bool>,
    /// What counts as yes, as the file spells it.
    pub positive: String,
    /// What counts as no; `None` where everything else does.
    pub negative: Option<String>,
}

/// Why a column is no target.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TargetError {
    #[error("the column `{column}` has one value only, `{value}`: there is nothing to tell apart")]
    OneValue { column: String, value: String },
    #[error("the column `{0}` is empty")]
    Empty(String),
    #[error("the column `{column}` has {count} values ({}); say which one is to be predicted", examples.join(", "))]
    ManyValues { column: String, count: usize, examples: Vec<String> },
    #[error("no row has the value `{value}` in the column `{column}`; there are {}", examples.join(", "))]
    Unknown { column: String, value: String, examples: Vec<String> },
}

/// Words that mean yes, whatever stands beside them.
const YES: &[&str] = &["1", "true", "t", "yes", "y", "won", "closed won", "converted", "positive"];

/// Reads the column. Without `positive` it must have two values; yes is then the one that means so in plain words, else the
/// larger number or the later text. With `negative` rows that say neither are left out.
pub fn target(column: &Column, positive: Option<&str>, negative: Option<&str>) -> Result<Target, TargetError> {
    let values = values(column);
    let name = || column.name.clone();
    let examples = || values.iter().take(8).map(|value| format!("`{value}`")).collect::<Vec<_>>();
    let find = |wanted: &str| {
        let same = |value: &&String| **value == wanted || number(value).is_some_and(|n| number(wanted) == Some(n));
        values.iter().find(same).cloned().ok_or_else(|| TargetError::Unknown {
            column: name(),
            value: wanted.to_owned(),
            examples: examples(),
        })
    };
    let negative = negative.map(find).transpose()?;
    let positive = match (positive, values.as_slice()) {
        (_, []) => return Err(TargetError::Empty(name())),
        (_, [value]) => return Err(TargetError::OneValue { column: name(), value: value.clone() }),
        (Some(wanted), _) => find(wanted)?,
        (None, [first, second]) => match &negative {
            Some(negative) => if negative == first { second } else { first }.clone(),
            None => yes_of(first, second).clone(),
        },
        (None, _) => {
            return Err(TargetError::ManyValues { column: name(), count: values.len(), examples: examples() });
        }
    };
    let negative = negative.or_else(|| match values.as_slice() {
        [first, second] => Some(if *first == positive { second } else { first }.clone()),
        _ => None,
    });
    let mut target = Target { rows: Vec::new(), labels: Vec::new(), positive, negative };
    for row in 0..column.data.len() {
        let Some(value) = spelled(column.data.cell(row)) else { continue };
        let yes = value == target.positive;
        if yes || target.negative.as_ref().is_none_or(|negative| *negative == value) {
            target.rows.push(row as u32);
            target.labels.push(yes);
        }
    }
    Ok(target)
}

fn number(text: &str) -> Option<f64> {
    super::table::number(text)
}

fn spelled(cell: Cell<'_>) -> Option<String> {
    match cell {
        Cell::Gap => None,
        Cell::Number(number) => Some(number.to_string()),
        Cell::Text(text) => Some(text.to_owned()),
    }
}

/// The different values, numbers ascending, texts in order.
fn values(column: &Column) -> Vec<String> {
    match &column.data {
        Data::Numbers(numbers) => {
            let mut present: Vec<f64> = numbers.iter().copied().filter(|number| !number.is_nan()).collect();
            present.sort_by(f64::total_cmp);
            present.dedup();
            present.iter().map(f64::to_string).collect()
        }
        Data::Texts { codes, levels } => {
            let mut present: Vec<u32> = codes.clone();
            present.sort_unstable();
            present.dedup();
            let mut texts: Vec<String> =
                present.iter().filter_map(|code| levels.get(*code as usize)).map(ToString::to_string).collect();
            texts.sort_unstable();
            texts
        }
    }
}

fn yes_of<'a>(first: &'a String, second: &'a String) -> &'a String {
    let means_yes = |text: &str| YES.contains(&text.trim().to_lowercase().as_str());
    if means_yes(first) && !means_yes(second) { first } else { second }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::table::Growing;

    fn column(cells: &[&str]) -> Column {
        let mut growing = Growing::default();
        cells.iter().for_each(|text| growing.push(Cell::of_text(text)));
        growing.finish("won".into())
    }

    #[test]
    fn yes_is_what_says_so_else_the_later_value() {
        for (cells, yes) in [
            (["0", "1"], "1"),
            (["no", "yes"], "yes"),
            (["Won", "Zost"], "Won"),
            (["bad", "good"], "good"),
            (["2", "10"], "10"),
        ] {
            let found = target(&column(&[cells[0], cells[1], ""]), None, None).unwrap();
            assert_eq!((found.positive.as_str(), found.rows.as_slice()), (yes, &[0, 1][..]));
        }
    }

    #[test]
    fn open_deals_are_left_out_and_many_values_need_a_word() {
        let stages = column(&["Won", "Open", "Lost", "Won"]);
        assert!(matches!(target(&stages, None, None), Err(TargetError::ManyValues { count: 3, .. })));
        let found = target(&stages, Some("Won"), Some("Lost")).unwrap();
        assert_eq!((found.rows, found.labels), (vec![0, 2, 3], vec![true, false, true]));
        let found = target(&stages, Some("Won"), None).unwrap();
        assert_eq!((found.rows.len(), found.negative), (4, None));
        assert!(matches!(target(&stages, Some("Wonn"), None), Err(TargetError::Unknown { .. })));
    }

    #[test]
    fn one_value_is_nothing_to_learn() {
        assert!(matches!(target(&column(&["1", "1"]), None, None), Err(TargetError::OneValue { .. })));
        assert!(matches!(target(&column(&["", "?"]), None, None), Err(TargetError::Empty(_))));
    }
}
