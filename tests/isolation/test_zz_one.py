import cProfile, pstats, os, time, collections
from tests.isolation.crawl import *
from tests.isolation.test_crawl import *
def test_one(ground):
    clock.thaw()
    crawl = Crawl(ground.app, ground.read(), ROUTES)
    print(crawl.missing_entries())
    who = os.environ.get("WHO","planner of alba").split(",")
    pr=cProfile.Profile(); os.environ.get("PROF") and pr.enable(); t=time.process_time()
    for each in ground.crawlers:
        if who[0] != "all" and each.label not in who: continue
        t0=time.process_time(); n0=crawl.count
        crawl.run(each, (r for r in crawl.requests(each, READING) if r.method == "GET"))
        crawl.run(each, board_requests(crawl, each, CALLBACKS))
        print(each.label, crawl.count-n0, time.process_time()-t0)
    if os.environ.get("POST"):
        for variants in (("missing", "foreign"), ("own",)):
            for each in ground.crawlers:
                if who[0] != "all" and each.label not in who: continue
                ground.revive(); before = ground.read()
                crawl.run(each, (r for r in crawl.requests(each, variants) if r.method != "GET"))
                for change in changed_for_others(before, ground.read(), each):
                    crawl.findings.append(Finding(each.label, None, change))
    pr.disable()
    print("cpu", time.process_time()-t, crawl.count)
    for m in sorted({(r.endpoint,m) for r,m in crawl.rules()} - crawl.worked): ROUTES[m[0]].never_works or print("SHUT",m)
    g=collections.Counter((f.request.endpoint if f.request else "-", f.what[:400]) for f in crawl.findings)
    for k,n in g.most_common(60): print(n,*k)
    print({k: sorted(v) for k,v in crawl.seen.items()})
    if os.environ.get("PROF"): pstats.Stats(pr).sort_stats("cumtime").print_stats(45)
