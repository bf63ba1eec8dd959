//! Deal pipelines: stages, and what being in one says about a deal. Whether a deal is won is in the stage's metadata and
//! nowhere else; seeded portals name their stages by number so that nobody can rely on `closedwon`.

use serde_json::{Value, json};

use super::refusal::Refusal;
use crate::clock::iso;

/// 2023-09-01T08:00:00Z.
const MADE: i64 = 1_693_555_200_000;

#[derive(Clone, Copy, Debug)]
pub struct StandardStage {
    pub id: &'static str,
    pub label: &'static str,
    pub probability: f64,
    closed: bool,
}

impl StandardStage {
    pub fn closed(&self) -> bool {
        self.closed
    }

    pub fn won(&self) -> bool {
        self.closed && self.probability >= 1.0
    }
}

const fn open(id: &'static str, label: &'static str, probability: f64) -> StandardStage {
    StandardStage { id, label, probability, closed: false }
}

pub const STANDARD_STAGES: [StandardStage; 7] = [
    open("appointmentscheduled", "Appointment Scheduled", 0.2),
    open("qualifiedtobuy", "Qualified To Buy", 0.4),
    open("presentationscheduled", "Presentation Scheduled", 0.6),
    open("decisionmakerboughtin", "Decision Maker Bought-In", 0.8),
    open("contractsent", "Contract Sent", 0.9),
    StandardStage { id: "closedwon", label: "Closed Won", probability: 1.0, closed: true },
    StandardStage { id: "closedlost", label: "Closed Lost", probability: 0.0, closed: true },
];

#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    pub id: String,
    pub label: String,
    pub probability: f64,
    pub closed: bool,
}

impl Stage {
    pub fn won(&self) -> bool {
        self.closed && self.probability >= 1.0
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Pipeline {
    pub id: String,
    pub label: String,
    pub stages: Vec<Stage>,
}

impl Stage {
    /// A stage of something that is not won or lost.
    fn without_odds(id: &str, label: &str, closed: bool) -> Self {
        Self { id: id.into(), label: label.into(), probability: 0.0, closed }
    }
}

impl Pipeline {
    /// The pipeline every new portal has.
    pub fn standard() -> Self {
        let stage = |stage: &StandardStage| Stage {
            id: stage.id.into(),
            label: stage.label.into(),
            probability: stage.probability,
            closed: stage.closed,
        };
        Self {
            id: "default".into(),
            label: "Sales Pipeline".into(),
            stages: STANDARD_STAGES.iter().map(stage).collect(),
        }
    }

    /// The pipeline of a portal seeded from an export: exactly its four stages, under ids a portal would have given.
    pub fn seeded() -> Self {
        let stage = |id: &str, label: &str, probability: f64, closed: bool| Stage {
            id: id.into(),
            label: label.into(),
            probability,
            closed,
        };
        Self {
            id: "721830344".into(),
            label: "Sales Pipeline".into(),
            stages: vec![
                stage("998100101", "Prospecting", 0.2, false),
                stage("998100102", "Engaging", 0.5, false),
                stage("998100103", "Won", 1.0, true),
                stage("998100104", "Lost", 0.0, true),
            ],
        }
    }

    /// A support pipeline, so that tickets have one.
    pub fn support() -> Self {
        let stage = Stage::without_odds;
        Self {
            id: "0".into(),
            label: "Support Pipeline".into(),
            stages: vec![
                stage("1", "New", false),
                stage("2", "Waiting on contact", false),
                stage("3", "Waiting on us", false),
                stage("4", "Closed", true),
            ],
        }
    }

    /// Where leads stand; a new one begins in its first stage.
    pub fn leads() -> Self {
        let stage = Stage::without_odds;
        Self {
            id: "lead-pipeline-id".into(),
            label: "Lead pipeline".into(),
            stages: vec![
                stage("new-stage-id", "New", false),
                stage("attempting-stage-id", "Attempting", false),
                stage("connected-stage-id", "Connected", false),
                stage("qualified-stage-id", "Qualified", true),
                stage("unqualified-stage-id", "Disqualified", true),
            ],
        }
    }

    pub fn stage(&self, id: &str) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.id == id)
    }

    pub fn stage_by_label(&self, label: &str) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.label.eq_ignore_ascii_case(label))
    }

    pub fn json(&self, order: usize) -> Value {
        let stages: Vec<Value> = (0..self.stages.len()).filter_map(|at| self.stage_json(at)).collect();
        json!({ "id": self.id, "label": self.label, "displayOrder": order, "archived": false,
                "createdAt": iso(MADE), "updatedAt": iso(MADE), "stages": stages })
    }

    fn stage_json(&self, at: usize) -> Option<Value> {
        let stage = self.stages.get(at)?;
        let metadata = if self.id == "0" {
            json!({ "ticketState": if stage.closed { "CLOSED" } else { "OPEN" } })
        } else {
            json!({ "isClosed": stage.closed.to_string(), "probability": format!("{:.1}", stage.probability) })
        };
        Some(json!({ "id": stage.id, "label": stage.label, "displayOrder": at, "metadata": metadata, "archived": false,
                     "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT", "createdAt": iso(MADE), "updatedAt": iso(MADE) }))
    }
}

/// The vendor prints the binary fraction exactly: 0.2 is `0.200000000000000011102230246251565404236316680908203125`.
pub fn probability_text(probability: f64) -> String {
    let long = format!("{probability:.60}");
    let trimmed = long.trim_end_matches('0');
    if let Some(whole) = trimmed.strip_suffix('.') { format!("{whole}.0") } else { trimmed.to_owned() }
}

/// `GET /crm/v3/pipelines/{type}[/{id}[/stages[/{stage}]]]`.
pub fn read(pipelines: &[Pipeline], rest: &[&str]) -> Result<Value, Refusal> {
    let find = |id: &str| {
        let at = pipelines.iter().position(|pipeline| pipeline.id == id).ok_or_else(Refusal::not_found)?;
        pipelines.get(at).map(|pipeline| (at, pipeline)).ok_or_else(Refusal::not_found)
    };
    match rest {
        [] => {
            let all: Vec<Value> = pipelines.iter().enumerate().map(|(at, pipeline)| pipeline.json(at)).collect();
            Ok(json!({ "results": all }))
        }
        [id] => find(id).map(|(at, pipeline)| pipeline.json(at)),
        [id, "stages"] => {
            let (at, pipeline) = find(id)?;
            Ok(json!({ "results": pipeline.json(at)["stages"] }))
        }
        [id, "stages", stage] => {
            let (_, pipeline) = find(id)?;
            let at = pipeline.stages.iter().position(|each| each.id == *stage).ok_or_else(Refusal::not_found)?;
            pipeline.stage_json(at).ok_or_else(Refusal::not_found)
        }
        _ => Err(Refusal::not_found()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_carry_their_binary_dust() {
        assert_eq!(probability_text(0.2), "0.200000000000000011102230246251565404236316680908203125");
        assert_eq!(probability_text(1.0), "1.0");
        assert_eq!(probability_text(0.5), "0.5");
    }

    #[test]
    fn seeded_stages_are_won_by_metadata_only() {
        let pipeline = Pipeline::seeded();
        let won: Vec<_> =
            pipeline.stages.iter().filter(|stage| stage.won()).map(|stage| stage.label.as_str()).collect();
        assert_eq!(won, ["Won"]);
        assert!(pipeline.stage("closedwon").is_none());
    }
}
