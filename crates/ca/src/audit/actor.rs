/// Who runs this process, for the audit log: the user it runs as, the user who logged in where Linux knows another one (it stays
/// through `su` and `sudo`), and the program. Numbers of users and not their names, which are personal data.
pub(crate) fn this_process() -> String {
    let mut who = user().map_or_else(|| "user unknown".into(), |user| format!("user {user}"));
    // All ones: nobody logged in, as for a service.
    let login = std::fs::read_to_string("/proc/self/loginuid").ok().and_then(|text| text.trim().parse::<u32>().ok());
    if let Some(login) = login.filter(|login| *login != u32::MAX && Some(*login) != user()) {
        who += &format!(" logged in as {login}");
    }
    let program = std::env::current_exe().ok();
    if let Some(program) = program.as_deref().and_then(std::path::Path::file_name) {
        who += &format!(" by {}", program.to_string_lossy());
    }
    who
}

#[cfg(target_os = "linux")]
fn user() -> Option<u32> {
    std::fs::metadata("/proc/self").ok().map(|metadata| std::os::unix::fs::MetadataExt::uid(&metadata))
}

#[cfg(not(target_os = "linux"))]
const fn user() -> Option<u32> {
    None
}
