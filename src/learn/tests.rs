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

/// Looks drawn by lot: 0 to 1.
fn drawn(row: usize, salt: u64) -> f64 {
    (group_number(&format!("{row}-{salt}")) >> 40) as f64 / f64::from(1 << 24)
}

/// Rows of which those in one box of three columns are mostly won, and hardly any other.
fn three_together(rows: usize) -> String {
    let mut text = "left,right,third,noise,won\n".to_owned();
    for row in 0..rows {
        let (left, right, third) = (drawn(row, 1), drawn(row, 2), drawn(row, 3));
        let inside = (0.31..0.74).contains(&left) && (0.12..0.57).contains(&right) && third < 0.6;
        let won = u8::from(drawn(row, 4) < if inside { 0.8 } else { 0.1 });
        let third = if third < 0.6 { "yes" } else { "no" };
        text.push_str(&format!("{left:.3},{right:.3},{third},{:.3},{won}\n", drawn(row, 5)));
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
fn three_columns_that_decide_together_are_found_and_named() {
    let text = three_together(1_500);
    let (plain, rich) = (model(&text, Recipe::Plain { l2: 1.0 }), model(&text, Recipe::Rich));
    assert!(rich.card.metrics.auc > plain.card.metrics.auc + 0.03, "{:?}", rich.card.metrics);
    let RecipeCard::Rich(choice) = rich.card.recipe else { panic!("{:?}", rich.card.recipe) };
    assert!(choice.trees.trees > 0 && choice.trees.share > 0.0, "{choice:?}");
    let spread = |name: &str| rich.card.weights.iter().find(|weight| weight.name == name).map(|weight| weight.spread);
    assert!(spread("left × right × third") > Some(0.2), "{:?}", rich.card.weights);
    let read_back = Model::from_json(&serde_json::to_vec(&rich).unwrap()).unwrap();
    for row in 0..50 {
        let (left, right) = (drawn(row, 6), drawn(row, 7));
        let value = |name: &str| match name {
            "left" => Cell::Number(left),
            "right" => Cell::Number(right),
            "third" => Cell::Text(["yes", "no", "perhaps"][row % 3]),
            _ => Cell::Gap,
        };
        let scored = rich.score(value);
        let z = scored.base + scored.reasons.iter().map(|reason| reason.adds).sum::<f64>();
        assert!((probability(z) - scored.chance).abs() < 1e-12);
        assert!((read_back.score(value).chance - scored.chance).abs() < 1e-12);
        let mut names: Vec<&str> = scored.reasons.iter().map(|reason| reason.name.as_str()).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|two| two[0] != two[1]), "each set of columns gives one reason: {names:?}");
    }
}

#[test]
fn what_a_row_is_scored_is_what_its_table_is_scored() {
    let text = three_together(1_500);
    let (table, target) = read(&text);
    let trained = train(&table, &target.labels, Recipe::Rich, &Folds::ByRow);
    let (means, _) = trained.contributions(&table);
    let of_table = trained.chances(&table);
    let mut model = model(&text, Recipe::Plain { l2: 1.0 });
    (model.encoder, model.coefficients, model.means) = (trained.encoder, trained.coefficients, means);
    model.calibration = trained.calibration;
    for (row, chance) in of_table.iter().enumerate() {
        let scored = model.score(|name| table.column(name).map_or(Cell::Gap, |column| column.data.cell(row)));
        assert!((scored.chance - chance).abs() < 1e-9, "row {row}: {} {chance}", scored.chance);
    }
}

#[test]
fn nothing_is_found_in_noise() {
    let mut text = "a,b,c,won\n".to_owned();
    for row in 0..1_000 {
        let won = u8::from(drawn(row, 1) < 0.4);
        text.push_str(&format!("{:.3},{:.2},{},{won}\n", drawn(row, 2), drawn(row, 3), ["x", "y", "z"][row % 3]));
    }
    let model = model(&text, Recipe::Rich);
    let RecipeCard::Rich(choice) = model.card.recipe else { panic!("{:?}", model.card.recipe) };
    assert_eq!((choice.trees, choice.pairs.grids, model.encoder.together.len()), (Blend::default(), 0, 0));
}

#[test]
fn a_file_from_before_there_were_trees_is_read_and_broken_grids_are_not() {
    let model = model(&only_together(400), Recipe::Rich);
    let text: serde_json::Value = serde_json::from_slice(&serde_json::to_vec(&model).unwrap()).unwrap();
    let read = |value: &serde_json::Value| Model::from_json(value.to_string().as_bytes());
    let mut old = text.clone();
    assert!(old["card"]["recipe"]["rich"].as_object_mut().unwrap().remove("trees").is_some());
    assert!(read(&old).is_ok());
    assert!(!model.encoder.together.is_empty());
    let mut falling = text.clone();
    falling["encoder"]["together"][0]["cuts"][0]["by"] = serde_json::json!({ "edges": [2.0, 1.0] });
    assert!(read(&falling).unwrap_err().to_string().contains("out of order"));
    let mut four = text.clone();
    let cut = four["encoder"]["together"][0]["cuts"][0].clone();
    four["encoder"]["together"][0]["cuts"] = serde_json::json!([cut, cut, cut, cut]);
    assert!(read(&four).unwrap_err().to_string().contains("too many"));
    let mut endless = text;
    let grids = vec![endless["encoder"]["together"][0].clone(); 5_000];
    endless["encoder"]["together"] = serde_json::Value::Array(grids);
    assert!(read(&endless).unwrap_err().to_string().contains("too many grids"));
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
