using Runner.Access;

namespace Runner.Tests.Access;

public sealed class AuthorizerTests
{
    private const string Start = "/runner.v1.JobService/StartJob";
    private const string Stop = "/runner.v1.JobService/StopJob";

    private static readonly Authorizer Two = new(new Dictionary<string, Permission> { [Start] = Permission.Start, [Stop] = Permission.Stop });

    /// <summary>Every role and permission, as the manual has them. A role or permission that is added has to be added here.</summary>
    private static readonly (Role Role, Permission Permission, bool Allowed)[] Everything =
    [
        (Role.Admin, Permission.Start, true), (Role.Admin, Permission.Look, true), (Role.Admin, Permission.Follow, true),
        (Role.Admin, Permission.Stop, true), (Role.Admin, Permission.Inspect, true),
        (Role.Writer, Permission.Start, true), (Role.Writer, Permission.Look, true), (Role.Writer, Permission.Follow, true),
        (Role.Writer, Permission.Stop, true), (Role.Writer, Permission.Inspect, true),
        (Role.User, Permission.Start, true), (Role.User, Permission.Look, true), (Role.User, Permission.Follow, true),
        (Role.User, Permission.Stop, false), (Role.User, Permission.Inspect, true),
        (Role.Reader, Permission.Start, false), (Role.Reader, Permission.Look, true), (Role.Reader, Permission.Follow, true),
        (Role.Reader, Permission.Stop, false), (Role.Reader, Permission.Inspect, true),
    ];

    [Fact]
    public void A_role_may_do_what_the_manual_says() => Assert.All(Everything, row =>
    {
        var authorizer = new Authorizer(new Dictionary<string, Permission> { ["/s/m"] = row.Permission });
        Assert.Equal(row.Allowed, authorizer.Check("/s/m", new("alice", row.Role)));
    });

    [Fact]
    public void The_table_above_leaves_nothing_out() =>
        Assert.Equal(
            from role in Enum.GetValues<Role>() from permission in Enum.GetValues<Permission>() orderby role, permission select (role, permission),
            Everything.Select(row => (row.Role, row.Permission)).Order());

    [Theory, InlineData("/runner.v1.JobService/Other"), InlineData(""), InlineData("/runner.v1.jobservice/startjob"), InlineData("/runner.v1.JobService/StartJob/")]
    public void A_method_without_a_rule_is_refused_even_to_the_admin(string method) => Assert.False(Two.Check(method, new("root", Role.Admin)));

    [Fact]
    public void What_is_no_role_may_do_nothing() =>
        Assert.All(Enum.GetValues<Permission>(), permission => Assert.False(Policy.Allows((Role)99, permission)));

    [Fact]
    public void Rules_that_fit_the_methods_are_accepted() => Two.Verify([Stop, Start]);

    [Fact]
    public void A_served_method_without_a_rule_stops_the_start()
    {
        var error = Assert.Throws<InvalidOperationException>(() => Two.Verify([Start, Stop, "/runner.v1.JobService/Forgotten"]));
        Assert.Equal("no rule says who may call /runner.v1.JobService/Forgotten; add one to the authorization table", error.Message);
    }

    [Fact]
    public void A_rule_for_what_is_not_served_stops_the_start() =>
        Assert.Contains(Stop, Assert.Throws<InvalidOperationException>(() => Two.Verify([Start])).Message);

    [Fact]
    public void Every_role_has_one_word_and_comes_back_from_it() =>
        Assert.All(Enum.GetValues<Role>(), role => Assert.Equal((true, role), (Roles.TryParse(role.Word(), out var back), back)));

    [Theory, InlineData("alice", "alice", true), InlineData("alice", "bob", false), InlineData("alice", "Alice", false)]
    public void A_user_sees_its_own_jobs_only(string name, string owner, bool sees)
    {
        Assert.Equal(sees, Policy.MaySee(new(name, Role.User), owner));
        Assert.Equal(sees, Policy.MaySee(new(name, Role.Writer), owner));
        Assert.True(Policy.MaySee(new(name, Role.Reader), owner));
        Assert.True(Policy.MaySee(new(name, Role.Admin), owner));
    }
}
