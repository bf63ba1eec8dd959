//! One small tree over a few columns: where to cut them so that the log-odds that are left over differ most (Friedman 2001;
//! the gain of a split is that of a Newton step, Chen and Guestrin 2016, without a price per leaf).

/// Leaves of a tree.
const LEAVES: usize = 8;
/// Columns that a tree may ask for: it stays a term that can be shown.
const COLUMNS: usize = 3;
/// Rows on either side of a split, at least.
const ROWS: f64 = 10.0;
/// How strongly a leaf is held back, in the units of the sum of p·(1 − p).
const HELD: f64 = 1.0;
/// The same where levels are put in order by what is left over in each.
const LEVEL_HELD: f64 = 10.0;
/// Groups that a column may have: a set of groups is the bits of one number.
pub const GROUPS: usize = 40;

/// The rows a tree is grown on: by column the group of every row, by row what is left over.
#[derive(Debug)]
pub struct Ground<'a> {
    pub columns: &'a [Lane],
    pub left_over: &'a [LeftOver],
}

/// A column as trees see it.
#[derive(Debug)]
pub struct Lane {
    /// Below [`GROUPS`]; the last one is that of gaps and strangers.
    pub groups: usize,
    /// Groups ascend: a split cuts them in two, the last one on either side.
    pub ordered: bool,
    pub of_rows: Vec<u8>,
}

/// What a row's chance is off by, and how much that weighs: p·(1 − p).
#[derive(Clone, Copy, Debug, Default)]
pub struct LeftOver {
    pub off: f64,
    pub weight: f64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    nodes: Vec<Node>,
}

#[derive(Clone, Debug, PartialEq)]
enum Node {
    /// What it adds to the log-odds.
    Leaf(f64),
    Split(Split),
}

/// Rows whose group is among the bits of `left` go there.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    pub column: usize,
    pub left: u64,
    /// Nodes; both are after this one.
    to: [usize; 2],
}

/// Sums over rows: what is left over, its weight, and how many.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    off: f64,
    weight: f64,
    rows: f64,
}

/// A leaf that may yet be split.
struct Bud {
    node: usize,
    rows: Vec<u32>,
    all: Sum,
    /// By column of the ground that may be asked for, by group.
    sums: Vec<[Sum; GROUPS]>,
    best: Option<Best>,
}

/// By how much a split lowers the loss, and which groups of which column it takes to the left.
#[derive(Clone, Copy)]
struct Best {
    gain: f64,
    among: usize,
    left: u64,
}

impl Sum {
    fn plus(self, other: Self) -> Self {
        Self { off: self.off + other.off, weight: self.weight + other.weight, rows: self.rows + other.rows }
    }

    fn less(self, other: Self) -> Self {
        Self { off: self.off - other.off, weight: self.weight - other.weight, rows: self.rows - other.rows }
    }

    fn worth(self) -> f64 {
        self.off * self.off / (self.weight + HELD)
    }

    fn step(self) -> f64 {
        self.off / (self.weight + HELD)
    }
}

impl Tree {
    /// Grows on some rows, by some columns; the best leaf is split first. What it adds is shrunk by `shrunk`.
    pub fn grow(ground: &Ground<'_>, rows: Vec<u32>, among: &[usize], shrunk: f64) -> Self {
        let sums = ground.sums(&rows, among);
        let all = ground.all(&rows);
        let mut tree = Self { nodes: vec![Node::Leaf(shrunk * all.step())] };
        let mut asked: Vec<usize> = Vec::new();
        let mut buds = vec![Bud { node: 0, rows, all, sums, best: None }.looked_at(ground, among, &asked)];
        while buds.len() < LEAVES {
            let mut best: Option<(usize, Best)> = None;
            for (at, bud) in buds.iter().enumerate() {
                if let Some(found) = bud.best
                    && best.is_none_or(|(_, so_far)| found.gain > so_far.gain)
                {
                    best = Some((at, found));
                }
            }
            let Some((at, best)) = best else { break };
            let Some(column) = among.get(best.among).copied() else { break };
            let is_new = !asked.contains(&column);
            if is_new {
                asked.push(column);
            }
            let bud = buds.swap_remove(at);
            let halves = bud.split(ground, among, column, best.left, tree.nodes.len());
            if let Some(node) = tree.nodes.get_mut(bud.node) {
                *node =
                    Node::Split(Split { column, left: best.left, to: [tree_end(&halves, 0), tree_end(&halves, 1)] });
            }
            tree.nodes.extend(halves.iter().map(|half| Node::Leaf(shrunk * half.all.step())));
            if is_new && asked.len() == COLUMNS {
                // Columns that were still open to the others are no longer.
                buds = buds.into_iter().map(|bud| bud.looked_at(ground, among, &asked)).collect();
            }
            buds.extend(halves.map(|half| half.looked_at(ground, among, &asked)));
        }
        tree
    }

    /// What the tree adds to the log-odds of a row, by the group that the row has in a column.
    pub fn adds(&self, group: impl Fn(usize) -> u32) -> f64 {
        let mut at = 0;
        loop {
            match self.nodes.get(at) {
                Some(Node::Leaf(adds)) => return *adds,
                Some(Node::Split(split)) => {
                    let [left, right] = split.to;
                    at = if split.left >> group(split.column).min(63) & 1 == 1 { left } else { right };
                }
                None => return 0.0,
            }
        }
    }

    pub fn splits(&self) -> impl Iterator<Item = &Split> {
        self.nodes.iter().filter_map(|node| match node {
            Node::Split(split) => Some(split),
            Node::Leaf(_) => None,
        })
    }
}

fn tree_end(halves: &[Bud; 2], at: usize) -> usize {
    halves.get(at).map_or(0, |half| half.node)
}

impl Ground<'_> {
    fn all(&self, rows: &[u32]) -> Sum {
        rows.iter().fold(Sum::default(), |sum, row| sum.plus(self.of(*row)))
    }

    fn of(&self, row: u32) -> Sum {
        let one = self.left_over.get(row as usize).copied().unwrap_or_default();
        Sum { off: one.off, weight: one.weight, rows: 1.0 }
    }

    fn sums(&self, rows: &[u32], among: &[usize]) -> Vec<[Sum; GROUPS]> {
        let of_rows: Vec<(u32, Sum)> = rows.iter().map(|row| (*row, self.of(*row))).collect();
        let of_column = |column: &usize| {
            let mut sums = [Sum::default(); GROUPS];
            if let Some(lane) = self.columns.get(*column) {
                for (row, one) in &of_rows {
                    let group = lane.of_rows.get(*row as usize).copied().unwrap_or_default();
                    if let Some(sum) = sums.get_mut(usize::from(group)) {
                        *sum = sum.plus(*one);
                    }
                }
            }
            sums
        };
        among.iter().map(of_column).collect()
    }
}

impl Bud {
    fn looked_at(mut self, ground: &Ground<'_>, among: &[usize], asked: &[usize]) -> Self {
        self.best = self.find_best(ground, among, asked);
        self
    }

    /// The best split by a column that was asked for already or may still be.
    fn find_best(&self, ground: &Ground<'_>, among: &[usize], asked: &[usize]) -> Option<Best> {
        let mut best: Option<Best> = None;
        if self.all.rows < 2.0 * ROWS {
            return None;
        }
        for (at, (column, sums)) in among.iter().zip(&self.sums).enumerate() {
            if asked.len() >= COLUMNS && !asked.contains(column) {
                continue;
            }
            let Some(lane) = ground.columns.get(*column) else { continue };
            let sums = sums.get(..lane.groups).unwrap_or_default();
            let mut offer = |groups: &mut dyn Iterator<Item = usize>, first: Option<usize>| {
                let (mut left, mut bits) = (Sum::default(), 0u64);
                for group in first.into_iter().chain(groups) {
                    let sum = sums.get(group).copied().unwrap_or_default();
                    (left, bits) = (left.plus(sum), bits | 1 << group.min(63));
                    let right = self.all.less(left);
                    if sum.rows < 0.5 || left.rows < ROWS || right.rows < ROWS {
                        continue;
                    }
                    let gain = left.worth() + right.worth() - self.all.worth();
                    if gain > best.map_or(1e-9, |best| best.gain) {
                        best = Some(Best { gain, among: at, left: bits });
                    }
                }
            };
            let last = lane.groups.saturating_sub(1);
            if lane.ordered {
                offer(&mut (0..last), None);
                if sums.last().is_some_and(|gaps| gaps.rows > 0.5) {
                    offer(&mut (0..last), Some(last));
                }
            } else {
                let lean = |group: &usize| sums.get(*group).map_or(0.0, |sum| sum.off / (sum.weight + LEVEL_HELD));
                let present = |group: &usize| sums.get(*group).is_some_and(|sum| sum.rows > 0.5);
                let mut order: Vec<usize> = (0..lane.groups).filter(present).collect();
                order.sort_by(|a, b| lean(a).total_cmp(&lean(b)));
                offer(&mut order.into_iter(), None);
            }
        }
        best
    }

    /// Two buds in place of this one; their nodes are `next` and the one after. Only the smaller half is summed up anew.
    fn split(&self, ground: &Ground<'_>, among: &[usize], column: usize, left: u64, next: usize) -> [Self; 2] {
        let lane = ground.columns.get(column);
        let group = |row: u32| lane.and_then(|lane| lane.of_rows.get(row as usize)).copied().unwrap_or_default();
        let (lefts, rights): (Vec<u32>, Vec<u32>) =
            self.rows.iter().copied().partition(|row| left >> group(*row).min(63) & 1 == 1);
        let left_is_smaller = lefts.len() <= rights.len();
        let smaller = ground.sums(if left_is_smaller { &lefts } else { &rights }, among);
        let larger: Vec<[Sum; GROUPS]> = self
            .sums
            .iter()
            .zip(&smaller)
            .map(|(all, part)| {
                let mut rest = *all;
                rest.iter_mut().zip(part).for_each(|(rest, part)| *rest = rest.less(*part));
                rest
            })
            .collect();
        let (of_left, of_right) = if left_is_smaller { (smaller, larger) } else { (larger, smaller) };
        let bud = |node: usize, rows: Vec<u32>, sums| Self { node, all: ground.all(&rows), rows, sums, best: None };
        [bud(next, lefts, of_left), bud(next + 1, rights, of_right)]
    }
}
