//! Wall time, this process's CPU time and memory, and the table they are printed in.

use std::future::Future;
use std::time::{Duration, Instant};

#[derive(Clone, Copy, Debug)]
pub struct Measured {
    pub items: u64,
    pub wall: Duration,
    pub cpu: Duration,
}

/// Does it and measures it. `items` is what rates are per.
#[allow(clippy::disallowed_methods)]
pub async fn measure(items: u64, work: impl Future<Output = ()>) -> Measured {
    let (cpu, begun) = (cpu_of("self"), Instant::now());
    work.await;
    Measured { items, wall: begun.elapsed(), cpu: cpu_of("self").saturating_sub(cpu) }
}

#[allow(clippy::disallowed_methods)]
pub fn measure_now(items: u64, work: impl FnOnce()) -> Measured {
    let (cpu, begun) = (cpu_of("self"), Instant::now());
    work();
    Measured { items, wall: begun.elapsed(), cpu: cpu_of("self").saturating_sub(cpu) }
}

/// User and system time of a process by its number, or of `self`; all threads, by the kernel's ticks of 10 ms; zero where there
/// is no `/proc`.
pub fn cpu_of(process: &str) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The second field is the name in brackets and may hold spaces.
    let mut fields = stat.rsplit_once(") ").map_or("", |(_, rest)| rest).split(' ').skip(11);
    let mut ticks = || fields.next().and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
    Duration::from_millis((ticks() + ticks()) * 10)
}

/// Memory of a process in MiB: now, and the most it ever held.
pub fn memory_of(process: u32) -> (u64, u64) {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let read = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
    };
    (read("VmRSS:"), read("VmHWM:"))
}

struct Row {
    name: &'static str,
    floor: Option<&'static str>,
    measured: Measured,
    calls: u64,
}

pub struct Table {
    records: u64,
    floors: Vec<(&'static str, Measured)>,
    rows: Vec<Row>,
}

impl Table {
    pub fn new(records: u64) -> Self {
        Self { records, floors: Vec::new(), rows: Vec::new() }
    }

    pub fn floor(&mut self, name: &'static str, measured: Measured) {
        self.floors.push((name, measured));
    }

    pub fn add(&mut self, name: &'static str, floor: Option<&'static str>, measured: Measured, calls: u64) {
        self.rows.push(Row { name, floor, measured, calls });
    }

    /// The wall time of a floor, or of several that follow each other (`fetch + insert`).
    fn floor_of(&self, names: &str) -> Option<(Duration, Duration)> {
        let mut sum = (Duration::ZERO, Duration::ZERO);
        for name in names.split(" + ") {
            let (_, measured) = self.floors.iter().find(|(have, _)| *have == name)?;
            sum = (sum.0 + measured.wall, sum.1 + measured.cpu);
        }
        Some(sum)
    }

    pub fn print(&self) {
        println!("{} records", self.records);
        println!("{:<36} {:>11} {:>9} {:>11} {:>7}  of its floor", "", "per second", "wall", "CPU µs each", "calls");
        for (name, measured) in &self.floors {
            println!("{}", line(&format!("floor: {name}"), measured, None));
        }
        for row in &self.rows {
            let mut text = line(row.name, &row.measured, Some(row.calls));
            if let Some((wall, cpu)) = row.floor.and_then(|floor| self.floor_of(floor)) {
                let share = 100.0 * wall.as_secs_f64() / row.measured.wall.as_secs_f64().max(1e-9);
                let floor = row.floor.unwrap_or_default();
                text.push_str(&format!("  {share:.0} % of the pace of {floor}"));
                // A floor shorter than the kernel's tick says nothing about CPU.
                if !cpu.is_zero() {
                    let times = row.measured.cpu.as_secs_f64() / cpu.as_secs_f64();
                    text.push_str(&format!(", {times:.1} × its CPU"));
                }
            }
            println!("{text}");
        }
        println!("peak memory of this process, floors included: {} MiB", memory_of(std::process::id()).1);
    }
}

fn line(name: &str, measured: &Measured, calls: Option<u64>) -> String {
    let Measured { items, wall, cpu } = *measured;
    let per_second = items as f64 / wall.as_secs_f64().max(1e-9);
    let each = cpu.as_secs_f64() * 1e6 / items.max(1) as f64;
    let calls = calls.map_or_else(|| "-".to_owned(), |calls| calls.to_string());
    format!("{name:<36} {per_second:>11.0} {:>7.0}ms {each:>11.2} {calls:>7}", wall.as_secs_f64() * 1e3)
}
