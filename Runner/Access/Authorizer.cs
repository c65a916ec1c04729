namespace Runner.Access;

/// <summary>The one place where a call is allowed or refused: each method needs one permission, and a method without a rule is refused.</summary>
/// <param name="rules">Full method names, as "/runner.v1.JobService/StartJob", and the permission each needs.</param>
sealed class Authorizer(IReadOnlyDictionary<string, Permission> rules)
{
    public bool Check(string method, Caller caller) =>
        rules.TryGetValue(method, out var permission) && Policy.Allows(caller.Role, permission);

    /// <summary>The roles that may, from least to most.</summary>
    public IEnumerable<Role> WhoMay(string method) =>
        rules.TryGetValue(method, out var permission) ? Enum.GetValues<Role>().Where(role => Policy.Allows(role, permission)) : [];

    /// <summary>Called once at start-up with every method the server serves.</summary>
    /// <exception cref="InvalidOperationException">A served method has no rule, or a rule names no served method.</exception>
    public void Verify(IEnumerable<string> methods)
    {
        var served = methods.ToHashSet(StringComparer.Ordinal);
        var without = served.Where(method => !rules.ContainsKey(method)).Order(StringComparer.Ordinal).ToList();
        if (without.Count > 0)
            throw new InvalidOperationException($"no rule says who may call {string.Join(", ", without)}; add one to the authorization table");
        var unknown = rules.Keys.Where(method => !served.Contains(method)).Order(StringComparer.Ordinal).ToList();
        if (unknown.Count > 0)
            throw new InvalidOperationException($"the authorization table has a rule for {string.Join(", ", unknown)}, which is not served; remove or correct it");
    }
}
