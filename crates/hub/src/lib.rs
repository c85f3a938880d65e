//! Being built.
/// A hub's profile.
#[derive(Debug)]
pub struct Profile {
    code: String,
}
impl Profile {
    /// Its code.
    pub fn code(&self) -> &str {
        &self.code
    }
}
