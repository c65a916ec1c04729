namespace Runner.Linux.Cgroups;

/// <summary>Our subtree in one mounted hierarchy, and the controllers jobs are held by there.</summary>
sealed record Hierarchy(CgroupDirectory Directory, IReadOnlyList<Controller> Controllers);
