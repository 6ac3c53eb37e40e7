//! How long the accept loop may go on before the others on its worker have their turn.
//!
//! Whatever is accepted begins in a task of its own. Without an end to the turn, a flood of first packets would keep those
//! tasks, and all connections, waiting for as long as there are more of them.

/// What the accept loop has done since the others had their turn.
#[derive(Debug)]
pub(super) struct Turn {
    sessions: u32,
    most: u32,
    answers: u32,
}

impl Turn {
    /// A turn ends with so many sessions.
    pub(super) fn new(most: u32) -> Self {
        Self { sessions: 0, most, answers: 0 }
    }

    /// A connection has begun.
    pub(super) async fn session(&mut self) {
        self.sessions += 1;
        self.end().await;
    }

    /// A client was answered, and nothing begun.
    pub(super) async fn answer(&mut self) {
        self.answers += 1;
        self.end().await;
    }

    async fn end(&mut self) {
        if self.sessions >= self.most || self.answers >= ANSWERS {
            (self.sessions, self.answers) = (0, 0);
            tokio::task::yield_now().await;
        }
    }
}

/// Answers to a turn: in about a millisecond.
const ANSWERS: u32 = 64;

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// How often another task had its turn while so many sessions began and so many clients were answered.
    async fn turns_of_others(most: u32, sessions: u32, answers: u32) -> u32 {
        let turns = Arc::new(AtomicU32::new(0));
        let counting = Arc::clone(&turns);
        let mut others = tokio::task::JoinSet::new();
        others.spawn(async move {
            loop {
                tokio::task::yield_now().await;
                counting.fetch_add(1, Ordering::Relaxed);
            }
        });
        tokio::task::yield_now().await;
        let before = turns.load(Ordering::Relaxed);
        let mut turn = Turn::new(most);
        for _ in 0..sessions {
            turn.session().await;
        }
        for _ in 0..answers {
            turn.answer().await;
        }
        turns.load(Ordering::Relaxed) - before
    }

    #[tokio::test]
    async fn others_have_their_turn_after_so_many_sessions() {
        assert_eq!(turns_of_others(1, 12, 0).await, 12);
        assert_eq!(turns_of_others(3, 12, 0).await, 4);
        assert_eq!(turns_of_others(16, 12, 0).await, 0);
        assert_eq!(turns_of_others(16, 12, 2 * ANSWERS).await, 2);
    }
}
