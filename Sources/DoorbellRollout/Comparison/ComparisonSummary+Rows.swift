internal import DoorbellCore
internal import DoorbellReport

extension ComparisonSummary {
    /// One figure of all columns, in words.
    struct Row {
        let name: String
        let cells: [String]
        /// Of push to polls, for as many changes told; `-` where it cannot be told.
        let ratio: String
    }

    /// - Parameter isBrief: How a column is called where there is little room.
    func head(_ way: Way) -> String {
        switch way {
        case .polls: "polling"
        case .tagged: "with ETags (est.)"
        case .held: "held"
        case .push: "push"
        }
    }

    func rows(_ report: ComparisonReport) -> [Row] {
        func row(_ name: String, _ ratio: ((ComparisonReport.Tally) -> Double)? = nil, _ cell: (Column) -> String?)
            -> Row
        {
            Row(
                name: name, cells: columns.map { cell($0) ?? "-" },
                ratio: ratio.flatMap { self.ratio($0) }.map { Figures.share($0) } ?? "-")
        }
        func counted(_ column: Column, _ text: String) -> String? { column.total.requests == 0 ? nil : text }
        var rows = [
            row("requests or messages", { Double($0.requests) }) { Figures.count($0.total.requests) },
            row("of them nothing new") { column in
                column.way == .push
                    ? nil
                    : counted(column, Figures.share(Double(column.total.unchanged) / Double(column.total.requests)))
            },
            row("bytes to clients", { Double($0.bytesDown) }) { Figures.bytes($0.total.bytesDown) },
            row("bytes from clients", { Double($0.bytesUp) }) { Figures.bytes($0.total.bytesUp) },
            row("requests to the legacy API", { Double($0.originRequests) }) { Figures.count($0.total.originRequests) },
            row("failed") { $0.way == .push ? nil : Figures.count($0.total.errors) },
            row("changes told") { Figures.count($0.total.told) },
            row("told after, p50") { $0.percentiles.map { Figures.duration($0.p50) } },
            row("told after, p95") { $0.percentiles.map { Figures.duration($0.p95) } },
            row("told after, p99") { $0.percentiles.map { Figures.duration($0.p99) } },
            row("connections, on average") { column in
                length > 0 && column.total.connectionSeconds > 0
                    ? Figures.decimal(column.total.connectionSeconds / length, places: 1) : nil
            },
            row("came back after a loss") { $0.way == .push ? Figures.count($0.total.reconnects) : nil },
        ]
        func slow(_ name: String, _ cell: (SendBuffers) -> String) -> Row {
            row(name) { $0.way == .push ? cell($0.total.buffers) : nil }
        }
        rows.append(slow("fell behind (too slow)") { Figures.count($0.behind) })
        if let buffers = column(.push)?.total.buffers, !buffers.isEmpty {
            rows += [
                slow("most bytes waiting for one") { Figures.bytes($0.waitingBytes) },
                slow("messages left out for them") { Figures.count($0.conflated) },
                slow("told to begin anew (reset)") { Figures.count($0.resets) },
                slow("closed for it") { Figures.count($0.closed) },
            ]
        }
        rows += [
            row("processor time of Doorbell", \.cpuSeconds) {
                $0.total.cpuSeconds > 0 ? Figures.duration($0.total.cpuSeconds) : nil
            },
            row("cost (est.)", { prices.cost(of: $0).total }) { Figures.money($0.cost.total, prices.currency) },
        ]
        if columns.contains(where: { $0.month != nil }) {
            rows.append(
                row("a month for everybody (est.)") { $0.month.map { Figures.money($0.total, prices.currency) } })
        }
        let radio = RadioShare.all(report, summary: self)
        if !radio.isEmpty {
            func radioRow(_ name: String, _ value: (RadioShare) -> String?) -> Row {
                row(name) { column in
                    let way = column.way == .tagged ? Way.polls : column.way
                    return radio.first { $0.way == way }.flatMap(value)
                }
            }
            rows.append(radioRow("radio on (est.)") { Figures.share($0.always) })
            rows.append(radioRow("radio on, in the foreground (est.)") { $0.foreground.map { Figures.share($0) } })
        }
        return rows
    }
}
