using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.RegularExpressions;

namespace MagicBellJwt.Sandbox.Server;

/// <summary>The faults to come. Each counts the requests it matches; of those that would hit one request, the first does.</summary>
internal sealed class FaultList
{
    private readonly List<Armed> _armed = [];

    public void Add(Fault fault)
    {
        fault.Check();
        lock (_armed)
        {
            _armed.Add(new Armed(fault));
        }
    }

    public void Clear()
    {
        lock (_armed)
        {
            _armed.Clear();
        }
    }

    public Fault? Next(SandboxRequest request)
    {
        lock (_armed)
        {
            Armed? hit = null;
            foreach (Armed fault in _armed)
            {
                // Counted whether or not another fault comes first: what a fault hits depends on the requests alone.
                if (fault.Counts(request))
                {
                    hit ??= fault;
                }
            }

            return hit?.Hit();
        }
    }

    private sealed class Armed(Fault fault)
    {
        private readonly string[] _methods = fault.Method.Split(',');
        private readonly Regex _path = new("^" + Regex.Escape(fault.Path).Replace(@"\*", ".*", StringComparison.Ordinal) + "$", RegexOptions.Singleline);
        private int _matches;
        private int _hits;

        /// <summary>Counts a request that matches, and says whether it is one to hit.</summary>
        public bool Counts(SandboxRequest request)
        {
            bool matched = (fault.Method == "*" || _methods.Contains(request.Method)) && (_path.IsMatch(request.Path) || _path.IsMatch(request.Path + request.Query));
            return matched && ++_matches > fault.Skip && (_matches - fault.Skip) % (fault.Every ?? 1) == 0 && (fault.Times is null || _hits < fault.Times);
        }

        public Fault Hit()
        {
            _hits++;
            return fault;
        }
    }
}
