import ArgumentParser

/// The `doorbell` command.
@main
struct DoorbellCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doorbell",
        abstract: "Move an application from polling to push, one feature at a time.",
        discussion: """
            Doorbell runs beside a legacy API on PostgreSQL, captures row changes, and pushes them over WebSocket, while \
            the polled URLs go on answering.

              doorbell assess access.log     which endpoints are polled, and worth moving
              doorbell init access.log       doorbell.yaml from the database and the log
              doorbell check                 is doorbell.yaml right?
              doorbell doctor                what keeps push from working?
              doorbell install --dry-run     what would be changed in the database?
              doorbell install               change it
              doorbell serve                 run beside the legacy API
              doorbell tail /api/orders/42   see the messages
              doorbell parity                would push tell what polls show?
              doorbell gate --dry-run        what would the gates do now, and why?
              doorbell compare               polling against push, measured
              doorbell connections           who is connected, and who reads too slowly
              doorbell stage                 where each feature stands, and how to move it
              doorbell pollers               who polls although there is push
              doorbell token --subject 7     a token to try things out with
              doorbell simulate              the same with thousands of clients, here
              doorbell man | man -l -        the manual

            Every command but assess, which writes one, simulate and man takes --config FILE (default ./doorbell.yaml). Exit \
            codes: 0 done, 64 wrong usage, 69 the database cannot be reached or refuses, 71 a port is in use, or output \
            cannot be written, 75 the service cannot be reached or refuses, or somebody else was faster, 76 the database \
            is not prepared or not supported, 77 a right is missing, or a token is not good, 78 the configuration is wrong.
            """,
        version: "doorbell 0.1.0",
        subcommands: [
            AssessCommand.self, InitCommand.self, CheckCommand.self, DoctorCommand.self, InstallCommand.self,
            UninstallCommand.self,
            ServeCommand.self, TailCommand.self, CompareCommand.self, ParityCommand.self, GateCommand.self,
            ConnectionsCommand.self, StageCommand.self,
            PollersCommand.self, TokenCommand.self, SimulateCommand.self, ManCommand.self,
            SimulatedAPICommand.self,
        ])

    static func main() async {
        StandardStreams.hold()
        await main(nil)
    }
}
