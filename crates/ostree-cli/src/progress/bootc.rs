//! Progress lines of the shape `org.containers.bootc.progress/v1`.

use std::collections::BTreeMap;

use ostree_container::Event;
use serde_json::{Value, json};

use crate::progress::lines::Shape;

/// What the first line says.
const VERSION: &str = "org.containers.bootc.progress/v1";

/// A layer that is being read.
#[derive(Debug, Default)]
struct Running {
    name: String,
    bytes: u64,
    size: u64,
}

/// `Start`; then `ProgressBytes`, task `pulling`, with a subtask for every layer in work; then `ProgressSteps`, task
/// `importing`, of one step. Where an image is written, both have the task that is being done. A total of 0 is one that is
/// not known.
#[derive(Debug)]
pub struct Bootc {
    image: String,
    task: &'static str,
    begun: bool,
    total: u64,
    layers: usize,
    layers_done: usize,
    running: BTreeMap<usize, Running>,
    bytes: u64,
    kept: u64,
    changed: bool,
    /// Whether the import is being finished, or is over.
    finishing: Option<bool>,
}

impl Bootc {
    /// Progress of `task` with the image `what`.
    pub fn new(task: &'static str, what: &str) -> Self {
        Self {
            image: what.to_owned(),
            task: if task == "importing" { "pulling" } else { task },
            begun: false,
            total: 0,
            layers: 0,
            layers_done: 0,
            running: BTreeMap::new(),
            bytes: 0,
            kept: 0,
            changed: true,
            finishing: None,
        }
    }

    fn start(&mut self, task: &'static str, bytes: u64, layers: usize) {
        *self = Self { begun: self.begun, total: bytes, layers, ..Self::new(task, &self.image) };
    }

    fn layer_bytes(&mut self, index: usize, bytes: u64, size: u64) {
        if let Some(layer) = self.running.get_mut(&index) {
            self.changed = true;
            (layer.bytes, layer.size) = (layer.bytes.max(bytes), size);
            if size > 0 && layer.bytes >= size {
                self.running.remove(&index);
                self.layers_done += 1;
            }
        }
    }

    fn progress_bytes(&self) -> Value {
        let subtasks = self.running.values().map(|layer| {
            json!({
                "subtask": "layer", "description": format!("layer {}", layer.name), "id": layer.name,
                "bytesCached": 0, "bytes": layer.bytes, "bytesTotal": layer.size,
            })
        });
        json!({
            "type": "ProgressBytes", "task": self.task, "description": format!("{} {}", self.task, self.image),
            "id": self.image, "bytesCached": self.kept, "bytes": self.bytes, "bytesTotal": self.total,
            "stepsCached": 0, "steps": self.layers_done, "stepsTotal": self.layers,
            "subtasks": subtasks.collect::<Vec<_>>(),
        })
    }

    fn progress_steps(&self, done: bool) -> Value {
        let (task, step) = match self.task {
            "pulling" => ("importing", "importing"),
            task => (task, "finishing"),
        };
        json!({
            "type": "ProgressSteps", "task": task, "description": format!("{task} {}", self.image),
            "id": self.image, "stepsCached": 0, "steps": u8::from(done), "stepsTotal": 1,
            "subtasks": [{"subtask": step, "description": step, "id": step, "completed": done}],
        })
    }
}

impl Shape for Bootc {
    fn event(&mut self, event: Event) -> Vec<Value> {
        match event {
            Event::Start { task, bytes, layers } => self.start(task, bytes, layers),
            Event::Total { bytes, layers } => {
                self.changed |= bytes != self.total;
                (self.total, self.layers) = (bytes, layers);
            }
            Event::Layer { index, name } => {
                self.running.insert(index, Running { name, ..Running::default() });
                self.changed = true;
            }
            Event::LayerBytes { index, bytes, size } => self.layer_bytes(index, bytes, size),
            Event::Bytes(bytes) => {
                self.changed |= bytes > self.bytes;
                self.bytes = self.bytes.max(bytes);
            }
            Event::Kept(bytes) => {
                self.changed |= bytes > self.kept;
                self.kept = self.kept.max(bytes);
            }
            Event::Finishing => {
                let last: Vec<Value> = std::iter::from_fn(|| self.moved()).collect();
                self.finishing = Some(false);
                return last.into_iter().chain([self.progress_steps(false)]).collect();
            }
            Event::Done => {
                self.finishing = Some(true);
                // Where there was nothing to do, nothing was told yet.
                return self.moved().into_iter().chain([self.progress_steps(true)]).collect();
            }
        }
        Vec::new()
    }

    fn moved(&mut self) -> Option<Value> {
        if !std::mem::replace(&mut self.begun, true) {
            return Some(json!({"type": "Start", "version": VERSION}));
        }
        let moved = std::mem::take(&mut self.changed) && self.finishing.is_none();
        moved.then(|| self.progress_bytes())
    }

    fn again(&self) -> Option<Value> {
        match self.finishing {
            None => Some(self.progress_bytes()),
            Some(false) => Some(self.progress_steps(false)),
            Some(true) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(value: &Value) -> [Option<u64>; 4] {
        ["bytes", "bytesTotal", "steps", "stepsTotal"].map(|key| value[key].as_u64())
    }

    #[test]
    fn a_pull_is_told_from_start_to_end() {
        let mut shape = Bootc::new("pulling", "oci:x");
        assert_eq!(shape.moved(), Some(json!({"type": "Start", "version": "org.containers.bootc.progress/v1"})));
        assert_eq!(shape.moved().map(|line| numbers(&line)), Some([Some(0); 4]));
        shape.event(Event::Start { task: "importing", bytes: 30, layers: 2 });
        for (index, name) in [(0, "a"), (2, "b")] {
            shape.event(Event::Layer { index, name: name.into() });
        }
        shape.event(Event::LayerBytes { index: 2, bytes: 20, size: 20 });
        shape.event(Event::LayerBytes { index: 0, bytes: 5, size: 10 });
        shape.event(Event::Bytes(25));
        shape.event(Event::Bytes(20));
        let line = shape.moved().unwrap();
        assert_eq!((line["type"].as_str(), line["task"].as_str()), (Some("ProgressBytes"), Some("pulling")));
        assert_eq!(numbers(&line), [Some(25), Some(30), Some(1), Some(2)]);
        let subtask = json!({"subtask": "layer", "description": "layer a", "id": "a", "bytesCached": 0, "bytes": 5, "bytesTotal": 10});
        assert_eq!(line["subtasks"], json!([subtask]));
        assert_eq!((shape.moved(), shape.again()), (None, Some(line)));
        shape.event(Event::Bytes(30));
        let lines = shape.event(Event::Finishing);
        assert_eq!(
            lines.iter().map(|line| line["type"].as_str()).collect::<Vec<_>>(),
            [Some("ProgressBytes"), Some("ProgressSteps")]
        );
        assert_eq!(shape.event(Event::Done)[0]["steps"], 1);
    }

    #[test]
    fn where_nothing_is_to_be_done_there_is_a_start_and_an_end() {
        let mut shape = Bootc::new("pulling", "oci:x");
        shape.event(Event::Start { task: "importing", bytes: 0, layers: 0 });
        let lines = shape.event(Event::Done);
        assert_eq!(
            lines.iter().map(|line| line["type"].as_str()).collect::<Vec<_>>(),
            [Some("Start"), Some("ProgressSteps")]
        );
        assert_eq!((shape.moved(), shape.again()), (None, None));
    }

    #[test]
    fn an_image_that_is_written_has_one_task_and_all_of_its_layers() {
        let mut shape = Bootc::new("encapsulating", "oci:x");
        shape.moved();
        assert_eq!(shape.moved().unwrap()["task"], "encapsulating");
        shape.event(Event::Start { task: "encapsulating", bytes: 30, layers: 1 });
        shape.event(Event::Layer { index: 0, name: "a".into() });
        shape.event(Event::LayerBytes { index: 0, bytes: 9, size: 0 });
        let line = shape.moved().unwrap();
        assert_eq!((&line["subtasks"][0]["bytes"], &line["subtasks"][0]["bytesTotal"]), (&json!(9), &json!(0)));
        shape.event(Event::LayerBytes { index: 0, bytes: 30, size: 30 });
        shape.event(Event::Bytes(30));
        shape.event(Event::Total { bytes: 40, layers: 2 });
        let line = shape.moved().unwrap();
        assert_eq!((numbers(&line), &line["subtasks"]), ([Some(30), Some(40), Some(1), Some(2)], &json!([])));
        let last = &shape.event(Event::Finishing)[0];
        assert_eq!((&last["task"], &last["type"]), (&json!("encapsulating"), &json!("ProgressSteps")));
    }
}
