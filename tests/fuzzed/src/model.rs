//! A model read back from a file or the store: it is refused, or it gives every row a chance whose reasons add up, and is the same when
//! it is written and read again.

use ferry::learn::{Cell, Model};

const VALUES: [f64; 7] = [0.0, -0.0, 1.5, -1e308, 1e308, f64::MIN_POSITIVE, 4e15];
const TEXTS: [&str; 4] = ["", "DE", "\u{0}", "a text that nobody has ever seen"];

pub fn check(data: &[u8]) {
    let Ok(model) = Model::from_json(data) else { return };
    let columns = model.columns();
    assert!(columns.windows(2).all(|pair| pair[0] < pair[1]));
    let rows = VALUES.map(Cell::Number).into_iter().chain(TEXTS.map(Cell::Text)).chain([Cell::Gap]);
    for cell in rows {
        let scored = model.score(|_| cell);
        assert!((0.0..=1.0).contains(&scored.chance), "{} of {cell:?}", scored.chance);
        let z = scored.base + scored.reasons.iter().map(|reason| reason.adds).sum::<f64>();
        assert!(z.is_finite() && scored.reasons.iter().all(|reason| reason.adds.is_finite()));
        assert!((1..=10).contains(&model.card.decile(scored.chance)));
        let _ = scored.reasons_in_words(3);
    }
    let written = serde_json::to_vec(&model).expect("a model is JSON");
    let again = Model::from_json(&written).expect("what was believed once is believed again");
    // Reading a number may be off by its last bit.
    let same = |a: &f64, b: &f64| (a - b).abs() <= 1e-12 * b.abs() + 1e-300;
    assert!(again.coefficients.iter().zip(&model.coefficients).all(|(a, b)| same(a, b)));
}
