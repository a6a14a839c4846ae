import DoorbellCore
import Testing

@testable import DoorbellRollout

@Suite struct RolloutBoardTests {
    let orders: Feature
    let news: Feature
    let board: RolloutBoard

    init() throws {
        orders = Feature(name: "orders", poll: try PollPattern("GET /orders"), tables: [])
        news = Feature(name: "news", poll: try PollPattern("GET /news"), tables: [], stage: .push)
        board = RolloutBoard(features: [orders, news])
    }

    func row(_ stage: Stage, _ percent: String? = nil, revision: Int64) -> Rollout {
        Rollout(
            stage, percent: percent.flatMap { Percent($0) },
            entry: .init(revision: revision, since: Timestamp(microseconds: revision), who: "ada", why: nil))
    }

    func usesPush(_ feature: Feature, _ name: String = "1") -> Bool {
        board.usesPush(feature) { CohortMember(key: "user:\(name)", name: name) }
    }

    @Test("features begin where the configuration says, and stand where the database says once it knows them")
    func learns() {
        #expect(!usesPush(orders) && usesPush(news))
        board.learn(["news": row(.observe, revision: 1), "orders": row(.canary, "100", revision: 2)])
        #expect(usesPush(orders) && !usesPush(news))
        #expect(board.stage(of: orders) == .canary && board["orders"]?.percent == .all)
        #expect(board["news"]?.entry?.who == "ada" && board["nothing"] == nil)
        board.learn(["nothing": row(.push, revision: 3)])
        #expect(!usesPush(orders) && usesPush(news))
    }

    @Test("observers hear of what has changed, after it has, and of nothing else")
    func observes() {
        let heard = Locked<[[String]]>([])
        board.observe { [board] features in
            heard.withLock { $0.append(features.map { "\($0.name) \(board[$0.name]?.description ?? "")" }) }
        }
        let rows = ["orders": row(.canary, "5", revision: 1)]
        board.learn(rows)
        board.learn(rows)
        board.learn(["orders": row(.canary, "20", revision: 2), "news": row(.retired, revision: 3)])
        #expect(heard.withLock { $0 } == [["orders canary 5 %"], ["orders canary 20 %", "news retired"]])
    }

    @Test("readers see stage and percentage that belong together while they change")
    func together() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [self] in
                for number in 1...20_000 {
                    board.learn([
                        "orders": number % 2 == 0
                            ? row(.canary, "0", revision: Int64(number)) : row(.shadow, revision: Int64(number))
                    ])
                }
            }
            for _ in 0..<2 {
                group.addTask { [self] in
                    // Neither of the two tells anybody to push; a mixture with `push` or 100 % would.
                    for number in 0..<20_000 where usesPush(orders, String(number)) { Issue.record("told push") }
                }
            }
        }
    }
}
