//! Whole trainings: against what must hold at the optimum, on tables that are out to break them, and read back from files.

use proptest::prelude::*;

use super::design::{Design, Penalty};
use super::logistic::{self, Patience, probability};
use super::*;

fn read(text: &str) -> (Table, Target) {
    let mut table = from_csv(text.as_bytes(), |_| true).unwrap();
    let found = target(table.column("won").unwrap(), None, None).unwrap();
    table.columns.retain(|column| column.name != "won");
    (table.rows(&found.rows), found)
}

fn model(text: &str, recipe: Recipe) -> Model {
    let (table, target) = read(text);
    evaluate(&table, &target, "won", recipe, &Folds::ByRow, 0, "2026-11-26T00:00:00Z".into())
}

/// Rows where neither column says anything alone, and both together everything but some noise.
fn only_together(rows: usize) -> String {
    let mut text = "left,right,noise,won\n".to_owned();
    for row in 0..rows {
        let (left, right) = (row % 2, row / 2 % 2);
        let flipped = row % 11 == 0;
        let won = ((left != right) != flipped) as u8;
        text.push_str(&format!("{left},{},{},{won}\n", ["no", "yes"][right], (row * 7919) % 101));
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn at_the_optimum_every_slope_is_zero_whichever_way_it_was_found(
        rows in proptest::collection::vec((any::<bool>(), proptest::collection::vec(-2.0f64..2.0, 5)), 8..40),
        l2 in 0.01f64..20.0,
    ) {
        let labels: Vec<bool> = rows.iter().map(|(yes, _)| *yes).collect();
        let mut design = Design::new(6);
        for (_, row) in &rows {
            let terms: Vec<(u32, f64)> = row.iter().zip(1..).map(|(value, place)| (place, *value)).collect();
            design.push(&terms);
        }
        let mut penalty = Penalty::default();
        (1..6).for_each(|place| penalty.square(l2, [(place, 1.0)]));
        penalty.square(0.5, [(1, 1.0), (2, -2.0)]);
        let written_out = logistic::fit(&design, &labels, &penalty, &[], Patience::EXACT);
        let by_gradients = logistic::fit(&design, &labels, &penalty, &[], Patience { dense: 0, steps: 200, ..Patience::EXACT });
        prop_assert!(written_out.converged || labels.iter().all(|yes| *yes) || labels.iter().all(|yes| !yes));
        for fit in [&written_out, &by_gradients].into_iter().filter(|fit| fit.converged) {
            let off: Vec<f64> = design
                .times(&fit.coefficients)
                .iter()
                .zip(&labels)
                .map(|(z, yes)| probability(*z) - f64::from(u8::from(*yes)))
                .collect();
            let mut slopes = design.transposed_times(&off);
            penalty.add_gradient(&fit.coefficients, &mut slopes);
            prop_assert!(slopes.iter().all(|slope| slope.abs() < 1e-5), "{slopes:?}");
        }
    }

    #[test]
    fn any_table_with_two_outcomes_trains(
        rows in proptest::collection::vec((any::<bool>(), ".{0,12}", "[-0-9.eE,]{0,8}", proptest::option::of(-1e130f64..1e130)), 12..60)
    ) {
        let mut out = csv::Writer::from_writer(Vec::new());
        out.write_record(["text", "almost a number", "huge", "won"]).unwrap();
        for (at, (yes, text, almost, huge)) in rows.iter().enumerate() {
            let yes = if at < 2 { at == 0 } else { *yes };
            let huge = huge.map(|x| x.to_string()).unwrap_or_default();
            out.write_record([text.as_str(), almost, &huge, if yes { "1" } else { "0" }]).unwrap();
        }
        let text = String::from_utf8(out.into_inner().unwrap()).unwrap();
        for recipe in [Recipe::Rich, Recipe::Plain { l2: 1.0 }, Recipe::Plain { l2: 0.0 }] {
            let model = model(&text, recipe);
            prop_assert!(model.coefficients.iter().all(|x| x.is_finite()), "{recipe:?}");
            prop_assert!(model.card.metrics.log_loss.is_finite() && (0.0..=1.0).contains(&model.card.metrics.auc));
        }
    }

    #[test]
    fn a_broken_model_file_is_refused_and_never_panics(at in 0usize..4_000, byte in any::<u8>()) {
        let mut bytes = serde_json::to_vec(&model(&only_together(120), Recipe::Plain { l2: 1.0 })).unwrap();
        let place = at % bytes.len();
        bytes[place] = byte;
        if let Ok(model) = Model::from_json(&bytes) {
            let scored = model.score(|_| Cell::Text("yes"));
            prop_assert!((0.0..=1.0).contains(&scored.chance));
        }
    }
}

#[test]
fn rows_that_can_be_told_apart_entirely_have_an_end() {
    let text: String = (0..60).map(|row| format!("{row},{}\n", u8::from(row >= 30))).collect();
    let plain = model(&format!("x,won\n{text}"), Recipe::Plain { l2: 1.0 });
    assert!(plain.card.converged && plain.card.metrics.auc > 0.99);
    let free = model(&format!("x,won\n{text}"), Recipe::Plain { l2: 0.0 });
    assert!(free.coefficients.iter().all(|x| x.is_finite()));
    assert!(free.card.warnings.iter().any(|warning| warning.contains("all by itself")), "{:?}", free.card.warnings);
}

#[test]
fn columns_that_speak_only_together_are_found() {
    let text = only_together(1_200);
    let plain = model(&text, Recipe::Plain { l2: 1.0 });
    let rich = model(&text, Recipe::Rich);
    assert!(plain.card.metrics.auc < 0.6 && rich.card.metrics.auc > 0.85, "{:?}", rich.card.metrics);
    assert_eq!(rich.card.weights[0].name, "left × right");
    let scored = rich.score(|name| match name {
        "left" => Cell::Number(1.0),
        "right" => Cell::Text("no"),
        _ => Cell::Gap,
    });
    assert!(scored.chance > 0.8 && scored.reasons_in_words(1).starts_with("left × right +"), "{scored:?}");
}

#[test]
fn a_model_read_back_scores_alike_and_adds_up() {
    let before = model(&only_together(400), Recipe::Rich);
    let after = Model::from_json(&serde_json::to_vec(&before).unwrap()).unwrap();
    assert_eq!((&before.card.recipe, before.encoder.names()), (&after.card.recipe, after.encoder.names()));
    let value = |name: &str| if name == "noise" { Cell::Text("17") } else { Cell::Text("elsewhere") };
    let (first, scored) = (before.score(value), after.score(value));
    assert!((first.chance - scored.chance).abs() < 1e-12);
    let z = scored.base + scored.reasons.iter().map(|reason| reason.adds).sum::<f64>();
    assert!((probability(z) - scored.chance).abs() < 1e-12);
}

#[test]
fn files_of_other_formats_and_sizes_are_refused_in_words() {
    let text = serde_json::to_string(&model(&only_together(120), Recipe::Rich)).unwrap();
    let newer = Model::from_json(text.replace("ferry-model/1", "ferry-model/2").as_bytes()).unwrap_err();
    assert!(newer.to_string().contains("newer version"), "{newer}");
    let mut broken: serde_json::Value = serde_json::from_str(&text).unwrap();
    broken["coefficients"].as_array_mut().unwrap().pop();
    let broken = Model::from_json(broken.to_string().as_bytes()).unwrap_err();
    assert!(broken.to_string().contains("as many"), "{broken}");
    assert!(matches!(Model::from_json(b"[]"), Err(ModelError::Json(_))));
}

#[test]
fn the_worked_contributions_of_the_specification() {
    // β0 belongs to centred features: z = −2 + .4·(5 − 2) + 1.5·(1 − .1) + .02·(80 − 50).
    let mut model = model("visits,demo,fit,won\n1,0,2,1\n2,1,3,0\n1,1,5,1\n2,0,1,0\n", Recipe::Plain { l2: 1.0 });
    for (part, mean) in model.encoder.parts.iter_mut().zip([2.0, 0.1, 50.0]) {
        part.shape = super::shape::Shape::Line { mean, sd: 1.0 };
    }
    model.coefficients = vec![-2.0, 0.4, 1.5, 0.02];
    model.means = vec![0.0; 3];
    model.calibration = Platt::NONE;
    let scored = model.score(|name| {
        Cell::Number(match name {
            "visits" => 5.0,
            "demo" => 1.0,
            _ => 80.0,
        })
    });
    assert!((scored.chance - 0.7595).abs() < 5e-5);
    assert_eq!(scored.reasons_in_words(3), "demo +1.4; visits +1.2; fit +0.6");
}
