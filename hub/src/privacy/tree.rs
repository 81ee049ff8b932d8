//! One dimension of figures: what is summed, and into what.
//!
//! Called by `cube`, which is a product of four trees. Every sum is that of its leaves, and of each
//! level between.

/// A tree of sums; node 0 is the sum of all.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    nodes: Vec<Node>,
}

#[derive(Clone, Debug)]
struct Node {
    name: String,
    parent: Option<usize>,
    depth: u8,
    is_leaf: bool,
}

/// The sums that one dimension of a move changes, and by how much for each step.
pub(super) type Chain = Vec<(usize, i64)>;

impl Tree {
    /// The sum of all, alone.
    pub(super) fn new(name: &str) -> Self {
        let root = Node { name: name.to_owned(), parent: None, depth: 0, is_leaf: true };
        Self { nodes: vec![root] }
    }

    /// Adds a part of a node, and tells its number.
    pub(super) fn add(&mut self, parent: usize, name: &str) -> usize {
        let depth = self.nodes.get(parent).map_or(0, |node| node.depth + 1);
        if let Some(node) = self.nodes.get_mut(parent) {
            node.is_leaf = false;
        }
        self.nodes.push(Node { name: name.to_owned(), parent: Some(parent), depth, is_leaf: true });
        self.nodes.len() - 1
    }

    /// How many nodes there are.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// What a node is called.
    pub(super) fn name(&self, node: usize) -> &str {
        &self.nodes[node].name
    }

    /// The node of this name.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.name == name)
    }

    /// How far a node is from the root.
    pub(super) fn depth(&self, node: usize) -> u8 {
        self.nodes[node].depth
    }

    /// The parts of a node.
    pub(super) fn parts(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        (0..self.nodes.len()).filter(move |part| self.nodes[*part].parent == Some(node))
    }

    /// A node and all that it is a part of, to the root.
    pub(super) fn up(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(Some(node), |node| self.nodes[*node].parent)
    }

    /// Whether a node is, or is a part of, another.
    pub(super) fn lies_in(&self, node: usize, whole: usize) -> bool {
        self.up(node).any(|above| above == whole)
    }

    /// The nodes without parts.
    pub(super) fn leaves(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.nodes.len()).filter(|node| self.nodes[*node].is_leaf)
    }

    /// What changes when a leaf stays the same one: every sum that it is a part of.
    pub(super) fn stay(&self, leaf: usize) -> Chain {
        self.up(leaf).map(|node| (node, 1)).collect()
    }

    /// What changes when something goes from one leaf to another: the sums that hold only one.
    pub(super) fn swap(&self, to: usize, from: usize) -> Chain {
        let only = |one: usize, other: usize| self.up(one).filter(move |node| !self.lies_in(other, *node));
        only(to, from).map(|node| (node, 1)).chain(only(from, to).map(|node| (node, -1))).collect()
    }
}
