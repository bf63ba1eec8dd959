//! A model as it is kept: a versioned JSON file that scores a row and says why. A file from elsewhere is checked before
//! anything is believed of it.

use serde::{Deserialize, Serialize};

use super::calibrate::Platt;
use super::card::Card;
use super::encode::{By, Encoder, Together};
use super::logistic::probability;
use super::shape::Shape;
use super::table::Cell;
use super::train::Trained;

pub const FORMAT: &str = "ferry-model/1";
/// Bytes of a model file.
pub const LARGEST_FILE: usize = 64 * 1024 * 1024;
const MOST_COEFFICIENTS: u64 = 1_000_000;
const MOST_GRIDS: usize = 1_000;
const MOST_CUTS: usize = 3;
const MOST_GROUPS: u32 = 100;
const LARGEST_COEFFICIENT: f64 = 1e9;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    pub format: String,
    pub encoder: Encoder,
    /// In the order of [`Encoder::names`], the intercept first.
    pub coefficients: Vec<f64>,
    /// What each part and grid adds to the log-odds of the mean row.
    pub means: Vec<f64>,
    pub calibration: Platt,
    pub card: Card,
}

/// Why a file is no model.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error("the file is larger than {LARGEST_FILE} bytes")]
    TooLarge,
    #[error("not a model: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the format is `{0}`, not `{FORMAT}`; was it written by a newer version?")]
    Format(String),
    #[error("not a model: {0}")]
    Broken(&'static str),
}

/// A chance, and what it is made of.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scored {
    /// 0 to 1.
    pub chance: f64,
    /// The log-odds of the mean row.
    pub base: f64,
    /// What each column, and each set of columns, adds to `base`; together they are the log-odds of `chance`. The largest first.
    pub reasons: Vec<Reason>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reason {
    /// A column, or columns together.
    pub name: String,
    /// In log-odds.
    pub adds: f64,
}

impl Model {
    /// Puts a training together with what is known of it. `means` are those of [`Trained::contributions`].
    pub fn new(trained: Trained, means: Vec<f64>, card: Card) -> Self {
        Self {
            format: FORMAT.to_owned(),
            encoder: trained.encoder,
            coefficients: trained.coefficients,
            means,
            calibration: trained.calibration,
            card,
        }
    }

    pub fn from_json(bytes: &[u8]) -> Result<Self, ModelError> {
        if bytes.len() > LARGEST_FILE {
            return Err(ModelError::TooLarge);
        }
        #[derive(Deserialize)]
        struct Head {
            format: String,
        }
        let head: Head = serde_json::from_slice(bytes)?;
        if head.format != FORMAT {
            return Err(ModelError::Format(super::table::shortened(&head.format).to_owned()));
        }
        let model: Self = serde_json::from_slice(bytes)?;
        model.check().map_err(ModelError::Broken)?;
        Ok(model)
    }

    fn check(&self) -> Result<(), &'static str> {
        let fits = |fits: bool, why: &'static str| if fits { Ok(()) } else { Err(why) };
        let mut width: u64 = 1;
        for part in &self.encoder.parts {
            fits(is_sound(&part.shape), "the knots, levels or moments of a column are out of order")?;
            width += u64::from(part.width());
            fits(width <= MOST_COEFFICIENTS, "too many coefficients")?;
        }
        fits(self.encoder.together.len() <= MOST_GRIDS, "too many grids")?;
        for together in &self.encoder.together {
            fits((1..=MOST_CUTS).contains(&together.cuts.len()), "a grid has no columns, or too many")?;
            fits(is_sound_grid(together), "the groups of a grid are out of order")?;
            width += u64::from(together.width());
            fits(width <= MOST_COEFFICIENTS, "too many coefficients")?;
        }
        fits(self.coefficients.len() as u64 == width, "the coefficients are not as many as the columns want")?;
        let parts = self.encoder.parts.len() + self.encoder.together.len();
        fits(self.means.len() == parts, "the means are not as many as the columns want")?;
        let numbers = self.coefficients.iter().chain(&self.means);
        let all = numbers.chain([&self.calibration.offset, &self.calibration.slope]);
        fits(all.into_iter().all(|x| x.abs() <= LARGEST_COEFFICIENT), "a coefficient is out of bounds")
    }

    /// The columns that a row is asked for, each once.
    pub fn columns(&self) -> Vec<&str> {
        let parts = self.encoder.parts.iter().map(|part| part.column.as_str());
        let cuts = self.encoder.together.iter().flat_map(|together| &together.cuts);
        let mut columns: Vec<&str> = parts.chain(cuts.map(|cut| cut.column.as_str())).collect();
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    /// Scores one row whose values are asked for by column name.
    pub fn score<'a>(&self, value: impl Fn(&str) -> Cell<'a>) -> Scored {
        let slope = self.calibration.slope;
        let intercept = self.coefficients.first().copied().unwrap_or_default();
        let base = bounded(self.calibration.offset + slope * (intercept + self.means.iter().sum::<f64>()));
        let (names, places) = self.encoder.terms_by_name();
        let mut reasons: Vec<Reason> = names.into_iter().map(|name| Reason { name, adds: 0.0 }).collect();
        let terms = self.encoder.terms_of(value);
        for (place, (terms, mean)) in places.iter().zip(terms.iter().zip(&self.means)) {
            if let Some(reason) = reasons.get_mut(*place) {
                reason.adds += bounded(slope * (along(terms, &self.coefficients) - mean));
            }
        }
        let z = base + reasons.iter().map(|reason| reason.adds).sum::<f64>();
        reasons.sort_by(|a, b| b.adds.abs().total_cmp(&a.adds.abs()));
        Scored { chance: probability(z), base, reasons }
    }
}

impl Scored {
    /// `pricing_views +0.8; country −0.3`: the largest few, for a field of a CRM.
    pub fn reasons_in_words(&self, most: usize) -> String {
        let shown = self.reasons.iter().take(most).filter(|reason| reason.adds.abs() >= 0.05);
        shown.map(|reason| format!("{} {:+.1}", reason.name, reason.adds)).collect::<Vec<_>>().join("; ")
    }
}

/// Log-odds within what can be added up: a row from elsewhere may hold any number.
fn bounded(log_odds: f64) -> f64 {
    const MOST: f64 = 1e6;
    if log_odds.is_nan() { 0.0 } else { log_odds.clamp(-MOST, MOST) }
}

/// What terms add up to.
pub fn along(terms: &[(u32, f64)], coefficients: &[f64]) -> f64 {
    terms.iter().map(|(place, value)| coefficients.get(*place as usize).copied().unwrap_or_default() * value).sum()
}

fn rises<T: PartialOrd>(of: &[T]) -> bool {
    of.iter().zip(of.iter().skip(1)).all(|(a, b)| a < b)
}

fn is_sound(shape: &Shape) -> bool {
    match shape {
        Shape::Line { mean, sd } => mean.is_finite() && *sd >= 0.0 && sd.is_finite(),
        Shape::Curve { knots, quantiles, .. } => {
            !knots.is_empty() && knots.len() == quantiles.len() && knots.iter().all(|x| x.is_finite()) && rises(knots)
        }
        Shape::Levels { levels, .. } => rises(levels),
    }
}

fn is_sound_grid(together: &Together) -> bool {
    together.cuts.iter().all(|cut| {
        let rises = match &cut.by {
            By::Edges(edges) => edges.iter().all(|x| x.is_finite()) && rises(edges),
            By::Levels(levels) => rises(levels),
        };
        rises && cut.groups() <= MOST_GROUPS
    })
}
